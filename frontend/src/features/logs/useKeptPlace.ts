import { useLayoutEffect, useRef, type RefObject } from "react";
import type { LogLine } from "@/shared/api/types";

/**
 * The log is opened at its end, and what is read stays where it is while older lines come in before it.
 *
 * shown: those of the lines in `all` that are looked for.
 */
export function useKeptPlace(box: RefObject<HTMLElement | null>, all: readonly LogLine[], shown: readonly LogLine[], linePixels: number): void {
  const first = useRef<number | null>(null);
  useLayoutEffect(() => {
    const before = first.current;
    first.current = all[0]?.line ?? before;
    if (before === null) box.current?.scrollTo({ top: box.current.scrollHeight });
    else box.current?.scrollBy({ top: linePixels * countBefore(shown, before) });
  }, [box, all, shown, linePixels]);
}

/** How many of `lines`, which rise, come before number `line`. */
export function countBefore(lines: readonly LogLine[], line: number): number {
  const index = lines.findIndex((one) => one.line >= line);
  return index < 0 ? lines.length : index;
}
