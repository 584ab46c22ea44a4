import { useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, type RefObject } from "react";

/** Two addresses with the same beginning are one page: the tabs of a run, say. */
export function pageOf(path: string): string {
  return path.split("/").slice(0, 3).join("/");
}

/** Puts the focus on what has come when another page was opened, as a browser does; what had it is gone. */
export function useFocusOnPage(main: RefObject<HTMLElement | null>): void {
  const page = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation && pageOf(resolvedLocation.pathname) });
  const before = useRef<string>(undefined);
  useEffect(() => {
    if (before.current !== undefined && before.current !== page) main.current?.focus({ preventScroll: true });
    before.current = page;
  }, [page, main]);
}
