import { ChevronDown, ChevronUp, Search } from "lucide-react";
import type { RefObject } from "react";
import { Button, IconButton } from "@/shared/ui/Button";
import type { Way } from "./useHits";

interface SearchProps {
  find: string;
  onFind: (find: string) => void;
  field: RefObject<HTMLInputElement | null>;
  onGo: (way: Way) => void;
}

export function LogSearch({ find, onFind, field, onGo }: SearchProps) {
  return (
    <search className="log-search">
      <Search size={14} aria-hidden />
      <input
        ref={field}
        className="input"
        type="search"
        aria-label="Find in the logs"
        aria-keyshortcuts="/"
        placeholder="Find in all lines ( / )"
        maxLength={200}
        value={find}
        onChange={({ target }) => onFind(target.value)}
        onKeyDown={({ key, shiftKey }) => key === "Enter" && onGo(shiftKey ? "previous" : "next")}
      />
    </search>
  );
}

export function HitButtons({ onGo }: { onGo: (way: Way) => void }) {
  return (
    <span className="log-hits">
      <IconButton label="Previous hit (Shift+n)" onClick={() => onGo("previous")}>
        <ChevronUp size={16} aria-hidden />
      </IconButton>
      <IconButton label="Next hit (n)" onClick={() => onGo("next")}>
        <ChevronDown size={16} aria-hidden />
      </IconButton>
    </span>
  );
}

interface RankProps {
  ranks: number;
  /** Empty: all of them. */
  rank: string;
  onRank: (rank: string) => void;
}

export function RankChoice({ ranks, rank, onRank }: RankProps) {
  return (
    <select className="input log-rank" aria-label="Process" value={rank} onChange={({ target }) => onRank(target.value)}>
      <option value="">all ranks</option>
      {Array.from({ length: Math.max(ranks, Number(rank) + 1) }, (_, number) => (
        <option key={number} value={String(number)}>
          rank {number}
        </option>
      ))}
    </select>
  );
}

export function GoToLine({ line, onLine }: { line: number | null; onLine: (line: number) => void }) {
  return (
    <form
      className="log-goto"
      onSubmit={(event) => {
        event.preventDefault();
        const typed = new FormData(event.currentTarget).get("line");
        if (typeof typed === "string" && /^\d{1,15}$/.test(typed)) onLine(Number(typed));
      }}
    >
      <input key={line} className="input" name="line" inputMode="numeric" pattern="\d{1,15}" aria-label="Go to line" placeholder="Line" defaultValue={line ?? ""} />
      <Button type="submit">Go</Button>
    </form>
  );
}
