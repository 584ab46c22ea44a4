import { useCallback, useEffect, useRef, useState } from "react";

/** `point` focuses the container's first field that is marked as wrong, once what was just found wrong is drawn. */
export function useFirstInvalid<T extends HTMLElement>() {
  const container = useRef<T>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (asked > 0) container.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [asked]);
  const point = useCallback(() => setAsked((before) => before + 1), []);
  return { container, point };
}
