import { useRef, type UIEvent } from "react";
import { goesBack, type Place } from "./following";

export interface OnScroll {
  /** Somebody has left the end. */
  onBack: () => void;
  /** The first line is near; null where there is none before it, or it is being loaded. */
  onOlder: (() => void) | null;
  /** The last line is near. */
  onNewer: (() => void) | null;
}

/** Handles `scroll` of the box of lines. edge: in pixels. */
export function useScrolled({ onBack, onOlder, onNewer }: OnScroll, edge: number): (event: UIEvent) => void {
  const before = useRef<Place>({ scrollTop: 0, scrollHeight: 0, clientHeight: 0 });
  return ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
    const now = { scrollTop, scrollHeight, clientHeight };
    const back = goesBack(before.current, now);
    if (back) onBack();
    if (back && scrollTop < edge) onOlder?.();
    if (scrollTop > before.current.scrollTop && scrollHeight - clientHeight - scrollTop < edge) onNewer?.();
    before.current = now;
  };
}
