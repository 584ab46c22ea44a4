import type { ReactNode } from "react";
import type { LogLine } from "@/shared/api/types";
import { clockTime, exactTime } from "@/shared/format/time";

interface Props {
  line: LogLine;
  top: number;
  find: string;
  showRank: boolean;
  current: boolean;
  /** Show the log at this line. */
  onOpen: () => void;
}

export function LogRow({ line, top, find, showRank, current, onOpen }: Props) {
  return (
    <div
      className="log-line"
      data-error={line.error || undefined}
      aria-current={current || undefined}
      style={{ transform: `translateY(${String(top)}px)` }}
    >
      <button type="button" className="log-number" tabIndex={-1} aria-label={`Show the log at line ${String(line.line)}`} onClick={onOpen}>
        {line.line}
      </button>
      <time dateTime={line.at} title={exactTime(line.at)}>
        {clockTime(line.at)}
      </time>
      {showRank && <span className="log-rank-mark">{line.rank}</span>}
      <span>{marked(line.text, find)}</span>
    </div>
  );
}

/** What was looked for, marked. */
function marked(text: string, find: string): ReactNode {
  if (find === "") return text;
  const parts: ReactNode[] = [];
  let from = 0;
  for (const [start, end] of places(text, find)) {
    parts.push(text.slice(from, start), <mark key={start}>{text.slice(start, end)}</mark>);
    from = end;
  }
  return [...parts, text.slice(from)];
}

/** Where `find` is in `text`, in upper or lower case. */
export function places(text: string, find: string): [number, number][] {
  const [lower, wanted] = [text.toLowerCase(), find.toLowerCase()];
  // Letters that change their length in lower case would shift what is marked.
  if (lower.length !== text.length || wanted === "") return [];
  const found: [number, number][] = [];
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) found.push([at, at + wanted.length]);
  return found;
}
