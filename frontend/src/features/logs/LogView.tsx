import "./logs.css";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownToLine, Bug } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ReactNode, type RefObject, type UIEvent } from "react";
import { hasEnded } from "@/shared/api/queries";
import type { LogLine, Run } from "@/shared/api/types";
import { useEdited } from "@/shared/edited";
import { integer, plural } from "@/shared/format/numbers";
import { clockTime, exactTime } from "@/shared/format/time";
import { Button } from "@/shared/ui/Button";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { Older } from "@/shared/ui/Older";
import { LogSearch, RankChoice } from "./LogFilter";
import { goesBack, type Place } from "./following";
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
  const [wanted, edited] = useEdited(find, (next) => onShow({ find: next, rank }));
  const box = useRef<HTMLDivElement>(null);
  const ranks = useMemo(() => [...new Set(all.map((line) => line.rank))].sort((a, b) => a - b), [all]);
  const shown = useMemo(() => matching(all, wanted, rank), [all, wanted, rank]);
  const firstError = useMemo(() => shown.findIndex(isError), [shown]);
  // eslint-disable-next-line react-hooks/incompatible-library -- used in this component only, nothing of it is memoised
  const virtual = useVirtualizer({ count: shown.length, getScrollElement: () => box.current, estimateSize: () => LINE_PIXELS, overscan: 20 });
  useKeptPlace(box, all, shown, LINE_PIXELS);
  useEffect(() => {
    if (follow && shown.length > 0) virtual.scrollToIndex(shown.length - 1);
  }, [follow, shown.length, virtual]);
  const toError = () => {
    setFollow(false);
    virtual.scrollToIndex(firstError, { align: "center" });
  };
  return (
    <>
      <div className="card-head log-head">
        <LogSearch find={wanted} onFind={(next) => edited.edit(next)} />
        {ranks.length > 1 && <RankChoice ranks={ranks} rank={rank} onRank={(next) => onShow({ find: wanted, rank: next })} />}
        <Button disabled={firstError < 0} onClick={toError}>
          <Bug size={14} aria-hidden /> First error
        </Button>
        <Button aria-pressed={follow} onClick={() => setFollow(!follow)}>
          <ArrowDownToLine size={14} aria-hidden /> {follow ? "Following" : "Follow"}
        </Button>
        <span className="muted">{countText(shown.length, all.length)}</span>
      </div>
      <ScrollBox box={box} height={virtual.getTotalSize()} onBack={() => setFollow(false)}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const line = shown[index];
          return line && <Line key={line.line} line={line} top={start} showRank={ranks.length > 1} />;
        })}
      </ScrollBox>
    </>
  );
}

function matching(all: readonly LogLine[], find: string, rank: string): LogLine[] {
  const wanted = find.toLowerCase();
  return all.filter((line) => (rank === "" || String(line.rank) === rank) && line.text.toLowerCase().includes(wanted));
}

function isError({ text }: LogLine): boolean {
  return ERROR.test(text);
}

function countText(shown: number, all: number): string {
  return shown === all ? plural(all, "line") : `${integer(shown)} of ${plural(all, "line")}`;
}

interface BoxProps {
  box: RefObject<HTMLDivElement | null>;
  height: number;
  /** Somebody scrolls back, by whatever means. */
  onBack: () => void;
  children: ReactNode;
}

function ScrollBox({ box, height, onBack, children }: BoxProps) {
  const before = useRef<Place>({ scrollTop: 0, scrollHeight: 0, clientHeight: 0 });
  const scrolled = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: UIEvent) => {
    const now = { scrollTop, scrollHeight, clientHeight };
    if (goesBack(before.current, now)) onBack();
    before.current = now;
  };
  return (
    <div
      ref={box}
      className="log-lines mono"
      role="log"
      aria-live="off"
      aria-label="Log lines"
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must be able to reach it
      tabIndex={0}
      onScroll={scrolled}
    >
      <div style={{ height }}>{children}</div>
    </div>
  );
}

function Line({ line, top, showRank }: { line: LogLine; top: number; showRank: boolean }) {
  return (
    <div className="log-line" data-error={isError(line) || undefined} style={{ transform: `translateY(${String(top)}px)` }}>
      <time dateTime={line.at} title={exactTime(line.at)}>
        {clockTime(line.at)}
      </time>
      {showRank && <span className="log-rank-mark">{line.rank}</span>}
      <span>{line.text}</span>
    </div>
  );
}
