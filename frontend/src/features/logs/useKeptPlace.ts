import { useLayoutEffect, useRef, type RefObject } from "react";
import type { LogLine } from "@/shared/api/types";

/** What is read stays where it is while older lines come in before it, or go. view: another one begins anew. */
export function useKeptPlace(box: RefObject<HTMLElement | null>, view: string, lines: readonly LogLine[], linePixels: number): void {
  const shown = useRef<{ view: string; lines: readonly LogLine[] } | null>(null);
  useLayoutEffect(() => {
    const before = shown.current;
    shown.current = { view, lines };
    const [first, firstBefore] = [lines[0], before?.lines[0]];
    if (before?.view !== view || !first || !firstBefore || first.line === firstBefore.line) return;
    const moved = countBefore(lines, firstBefore.line) - countBefore(before.lines, first.line);
    box.current?.scrollBy({ top: linePixels * moved });
  }, [box, view, lines, linePixels]);
}

/** How many of `lines`, which rise, come before number `line`. */
export function countBefore(lines: readonly LogLine[], line: number): number {
  const index = lines.findIndex((one) => one.line >= line);
  return index < 0 ? lines.length : index;
}
