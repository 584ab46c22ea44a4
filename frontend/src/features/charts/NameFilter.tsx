import { Search } from "lucide-react";
import { useEdited } from "@/shared/edited";

/** Which metrics have a chart. */
export function NameFilter({ text, onText }: { text: string; onText: (text: string) => void }) {
  const [typed, edited] = useEdited(text, onText);
  return (
    <search className="name-filter">
      <Search size={14} aria-hidden />
      <input
        className="input"
        type="search"
        aria-label="Find metrics"
        placeholder="Find metrics: loss, perf/…"
        value={typed}
        onChange={({ target }) => edited.edit(target.value)}
      />
    </search>
  );
}
