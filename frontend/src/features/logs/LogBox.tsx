import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type UIEvent } from "react";
import type { LogLine } from "@/shared/api/types";
import { LogRow } from "./LogRow";
import { goesBack, type Place } from "./following";
import { useKeptPlace } from "./useKeptPlace";

const LINE_PIXELS = 20;
/** So near an edge more is loaded. */
const EDGE_PIXELS = 40 * LINE_PIXELS;

interface Props {
  lines: readonly LogLine[];
  /** Changes where another stretch of the log is shown. */
  view: string;
  find: string;
  showRank: boolean;
  /** The line that is looked at. */
  current: number | null;
  begins: "top" | "end";
  follow: boolean;
  onBack: () => void;
  onOlder: (() => void) | null;
  onNewer: (() => void) | null;
  onOpen: (line: LogLine) => void;
}

/** The lines in sight, of any number of lines. */
export function LogBox({ lines, view, find, showRank, current, begins, follow, onBack, onOlder, onNewer, onOpen }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const before = useRef<Place>({ scrollTop: 0, scrollHeight: 0, clientHeight: 0 });
  // eslint-disable-next-line react-hooks/incompatible-library -- used in this component only, nothing of it is memoised
  const virtual = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => LINE_PIXELS, overscan: 20 });
  useKeptPlace(box, view, lines, LINE_PIXELS);
  const placed = useRef("");
  useEffect(() => {
    const place = `${view} ${String(current)}`;
    if (placed.current === place || lines.length === 0) return;
    placed.current = place;
    const index = current === null ? -1 : lines.findIndex(({ line }) => line >= current);
    if (index >= 0) virtual.scrollToIndex(index, { align: "center" });
    else if (current === null) virtual.scrollToIndex(begins === "end" ? lines.length - 1 : 0);
  }, [view, current, begins, lines, virtual]);
  useEffect(() => {
    if (follow && lines.length > 0) virtual.scrollToIndex(lines.length - 1);
  }, [follow, lines, virtual]);
  const scrolled = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: UIEvent) => {
    const now = { scrollTop, scrollHeight, clientHeight };
    const back = goesBack(before.current, now);
    if (back) onBack();
    if (back && scrollTop < EDGE_PIXELS) onOlder?.();
    if (scrollTop > before.current.scrollTop && scrollHeight - clientHeight - scrollTop < EDGE_PIXELS) onNewer?.();
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
      <div style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const line = lines[index];
          const row = { find, showRank, top: start };
          return line && <LogRow key={line.line} line={line} current={line.line === current} onOpen={() => onOpen(line)} {...row} />;
        })}
      </div>
    </div>
  );
}
