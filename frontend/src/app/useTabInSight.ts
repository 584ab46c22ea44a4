import { useLayoutEffect, useRef, type RefObject } from "react";

/** For a list of tabs wider than its window: the selected one is moved to the middle. The page itself does not move, as scrollIntoView may. */
export function useTabInSight(shown: string): RefObject<HTMLDivElement | null> {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const tab = list.current?.querySelector('[role="tab"][aria-selected="true"]');
    if (!list.current || !tab) return;
    const [outer, inner] = [list.current.getBoundingClientRect(), tab.getBoundingClientRect()];
    list.current.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
  }, [shown]);
  return list;
}
