import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import type { LogLine } from "@/shared/api/types";
import { seek, type Question } from "./logWindow";

export type Way = "next" | "previous";

/** Goes from line to line of those that are looked for, wherever in the log they are. */
export function useSeek(onFound: (line: LogLine) => void) {
  return useMutation({
    mutationFn: ({ question, from, way }: { question: Question; from: number; way: Way }) => seek(question, from, way),
    onSuccess: (line) => line && onFound(line),
  });
}

/** Keys of the page: `/` goes to the search, n and Shift+n to the next and the previous hit. */
export function useHitKeys(focusSearch: () => void, go: ((way: Way) => void) | null): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [role=dialog], [role=menu]");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "/") focusSearch();
      else if (event.key.toLowerCase() === "n" && go) go(event.shiftKey ? "previous" : "next");
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}
