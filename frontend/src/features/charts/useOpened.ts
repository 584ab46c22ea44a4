import { useCallback, useState } from "react";
import type { Mark } from "./marks";

interface Opened {
  marks: readonly Mark[];
  opener: HTMLElement | null;
}

/** The marks whose story is told, and what opens and closes it. */
export function useOpened() {
  const [opened, setOpened] = useState<Opened | null>(null);
  const open = useCallback((marks: readonly Mark[], opener: HTMLElement | null) => setOpened({ marks, opener }), []);
  const close = useCallback(() => setOpened(null), []);
  return [opened, open, close] as const;
}
