import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { LogLine } from "@/shared/api/types";
import { LogRow } from "./LogRow";
import { useKeptPlace } from "./useKeptPlace";
import { useScrolled, type OnScroll } from "./useScrolled";
import { useScrolledTo, type LookedAt } from "./useScrolledTo";

const LINE_PIXELS = 20;
/** So near an edge more is loaded. */
const EDGE_PIXELS = 40 * LINE_PIXELS;

interface Props extends LookedAt, OnScroll {
  find: string;
  showRank: boolean;
  onOpen: (line: LogLine) => void;
}

/** The lines in sight, of any number of lines. */
export function LogBox({ find, showRank, onOpen, onBack, onOlder, onNewer, ...at }: Props) {
  const { lines, view, current } = at;
  const box = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- used in this component only, nothing of it is memoised
  const virtual = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => LINE_PIXELS, overscan: 20 });
  useKeptPlace(box, view, lines, LINE_PIXELS);
  useScrolledTo(virtual, at);
  const scrolled = useScrolled({ onBack, onOlder, onNewer }, EDGE_PIXELS);
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
