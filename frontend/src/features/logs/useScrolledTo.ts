import type { Virtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { LogLine } from "@/shared/api/types";

/** Which lines there are to see, and which of them are. */
export interface LookedAt {
  lines: readonly LogLine[];
  /** Changes where another stretch of the log is shown. */
  view: string;
  /** The line that is looked at. */
  current: number | null;
  /** Where a view without such a line begins. */
  begins: "top" | "end";
  follow: boolean;
}

/** Scrolls to what is looked at, once for each view and line, so that it can be scrolled away from; and to the end while that is followed. */
export function useScrolledTo({ scrollToIndex }: Pick<Virtualizer<HTMLDivElement, Element>, "scrollToIndex">, at: LookedAt): void {
  const { lines, view, current, begins, follow } = at;
  const placed = useRef("");
  useEffect(() => {
    const place = `${view} ${String(current)}`;
    if (placed.current === place || lines.length === 0) return;
    placed.current = place;
    const index = current === null ? -1 : lines.findIndex(({ line }) => line >= current);
    if (index >= 0) scrollToIndex(index, { align: "center" });
    else if (current === null) scrollToIndex(begins === "end" ? lines.length - 1 : 0);
  }, [view, current, begins, lines, scrollToIndex]);
  useEffect(() => {
    if (follow && lines.length > 0) scrollToIndex(lines.length - 1);
  }, [follow, lines, scrollToIndex]);
}
