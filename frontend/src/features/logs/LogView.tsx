import "./logs.css";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownToLine, Bug, Search } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { hasEnded } from "@/shared/api/queries";
import type { LogLine, Run } from "@/shared/api/types";
import { integer, plural } from "@/shared/format/numbers";
import { clockTime, exactTime } from "@/shared/format/time";
import { Button } from "@/shared/ui/Button";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { Older } from "@/shared/ui/Older";
import { useKeptPlace } from "./useKeptPlace";
import { useLogLines } from "./useLogLines";

const LINE_PIXELS = 20;
const ERROR = /\b(error|exception|traceback|fatal|out of memory|killed)\b/i;

interface Props {
  run: Run;
  find: string;
  rank: string;
  onShow: (next: { find: string; rank: string }) => void;
}

/** What the run's processes wrote. */
export function LogView({ run, find, rank, onShow }: Props) {
  const { query, older } = useLogLines(run);
  return (
    <section className="card" aria-label="Logs">
      <Loaded query={query}>
        {({ lines, cut }) =>
          lines.length === 0 ? (
            <Notice title="No lines yet">
              <p>{hasEnded(run) ? "Its processes wrote nothing." : "What the training processes write appears here."}</p>
            </Notice>
          ) : (
            <>
              {cut && (
                <Older label="Load older lines" older={older}>
                  The newest {plural(lines.length, "line")}. What you look for, and the first error, is looked for in these.
                </Older>
              )}
              <Lines all={lines} find={find} rank={rank} onShow={onShow} live={!hasEnded(run)} />
            </>
          )
        }
      </Loaded>
    </section>
  );
}

function Lines({ all, find, rank, onShow, live }: Omit<Props, "run"> & { all: readonly LogLine[]; live: boolean }) {
  const [follow, setFollow] = useState(live);
  const box = useRef<HTMLDivElement>(null);
  const ranks = useMemo(() => [...new Set(all.map((line) => line.rank))].sort((a, b) => a - b), [all]);
  const shown = useMemo(() => {
    const wanted = find.toLowerCase();
    return all.filter((line) => (rank === "" || String(line.rank) === rank) && line.text.toLowerCase().includes(wanted));
  }, [all, find, rank]);
  // eslint-disable-next-line react-hooks/incompatible-library -- used in this component only, nothing of it is memoised
  const virtual = useVirtualizer({ count: shown.length, getScrollElement: () => box.current, estimateSize: () => LINE_PIXELS, overscan: 20 });
  useKeptPlace(box, all, shown, LINE_PIXELS);
  useEffect(() => {
    if (follow && shown.length > 0) virtual.scrollToIndex(shown.length - 1);
  }, [follow, shown.length, virtual]);

  const toError = () => {
    const index = shown.findIndex((line) => ERROR.test(line.text));
    setFollow(false);
    if (index >= 0) virtual.scrollToIndex(index, { align: "center" });
  };
  const hasError = useMemo(() => shown.some((line) => ERROR.test(line.text)), [shown]);
  return (
    <>
      <div className="card-head log-head">
        <search className="log-search">
          <Search size={14} aria-hidden />
          <input
            className="input"
            type="search"
            aria-label="Find in the logs"
            placeholder="Find"
            value={find}
            onChange={({ target }) => onShow({ find: target.value, rank })}
          />
        </search>
        {ranks.length > 1 && (
          <select className="input log-rank" aria-label="Process" value={rank} onChange={({ target }) => onShow({ find, rank: target.value })}>
            <option value="">all ranks</option>
            {ranks.map((number) => (
              <option key={number} value={String(number)}>
                rank {number}
              </option>
            ))}
          </select>
        )}
        <Button disabled={!hasError} onClick={toError}>
          <Bug size={14} aria-hidden /> First error
        </Button>
        <Button aria-pressed={follow} onClick={() => setFollow(!follow)}>
          <ArrowDownToLine size={14} aria-hidden /> {follow ? "Following" : "Follow"}
        </Button>
        <span className="muted">
          {shown.length === all.length ? plural(all.length, "line") : `${integer(shown.length)} of ${plural(all.length, "line")}`}
        </span>
      </div>
      <div
        ref={box}
        className="log-lines mono"
        role="log"
        aria-live="off"
        aria-label="Log lines"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must be able to reach it
        tabIndex={0}
        onWheel={(event) => event.deltaY < 0 && setFollow(false)}
      >
        <div style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const line = shown[index];
            return line && <Line key={line.line} line={line} top={start} showRank={ranks.length > 1} />;
          })}
        </div>
      </div>
    </>
  );
}

function Line({ line, top, showRank }: { line: LogLine; top: number; showRank: boolean }) {
  return (
    <div className="log-line" data-error={ERROR.test(line.text) || undefined} style={{ transform: `translateY(${String(top)}px)` }}>
      <time dateTime={line.at} title={exactTime(line.at)}>
        {clockTime(line.at)}
      </time>
      {showRank && <span className="log-rank-mark">{line.rank}</span>}
      <span>{line.text}</span>
    </div>
  );
}
