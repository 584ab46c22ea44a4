import { Search } from "lucide-react";

export function LogSearch({ find, onFind }: { find: string; onFind: (find: string) => void }) {
  return (
    <search className="log-search">
      <Search size={14} aria-hidden />
      <input
        className="input"
        type="search"
        aria-label="Find in the logs"
        placeholder="Find"
        value={find}
        onChange={({ target }) => onFind(target.value)}
      />
    </search>
  );
}

interface RankProps {
  ranks: readonly number[];
  /** Empty: all of them. */
  rank: string;
  onRank: (rank: string) => void;
}

export function RankChoice({ ranks, rank, onRank }: RankProps) {
  return (
    <select className="input log-rank" aria-label="Process" value={rank} onChange={({ target }) => onRank(target.value)}>
      <option value="">all ranks</option>
      {ranks.map((number) => (
        <option key={number} value={String(number)}>
          rank {number}
        </option>
      ))}
    </select>
  );
}
