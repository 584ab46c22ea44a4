import { keepPreviousData, useMutation, useQuery, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect } from "react";
import { hasEnded, keys } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { loadNewer, loadOlder, openWindow, searches, withNewer, withOlder, type LogWindow, type Question } from "./logWindow";

const QUIET_EVERY_MS = 10_000;
/** A search goes on by itself until there is so much to look at. */
const ENOUGH_HITS = 200;

/** The lines around `line`, the end of the log (null), or what is looked for; grows as lines come, and as more is asked for. */
export function useLogWindow(run: Run, question: Question, line: number | null, follow: boolean) {
  const client = useQueryClient();
  const queryKey = [...keys.run(run.id), "logs", question.rank, question.q, String(question.errors), String(line)];
  const known = () => client.getQueryData<LogWindow>(queryKey);
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const before = known();
      if (!before) return openWindow(question, line, signal);
      if (before.more) return before;
      const page = await loadNewer(question, before, signal);
      const now = known() ?? before;
      return now.next === before.next ? withNewer(now, page) : now;
    },
    refetchInterval: hasEnded(run) ? false : QUIET_EVERY_MS,
    placeholderData: keepPreviousData,
    structuralSharing: false,
  });
  const older = useOlder(question, queryKey);
  const newer = useNewer(question, queryKey);
  const found = query.isPlaceholderData ? undefined : query.data;
  const goesOn = found?.more === true && !newer.isPending && !newer.isError && (follow || (searches(question) && found.lines.length < ENOUGH_HITS));
  const { mutate, reset, isError } = newer;
  const asked = JSON.stringify(queryKey);
  // What failed of another question says nothing of this one; before it goes on by itself.
  useEffect(() => reset(), [asked, reset]);
  useEffect(() => {
    if (goesOn) mutate();
  }, [goesOn, mutate, found]);
  useEffect(() => {
    if (!isError) return undefined;
    // What failed is told for a while, then it goes on by itself.
    const timer = setTimeout(reset, QUIET_EVERY_MS);
    return () => clearTimeout(timer);
  }, [isError, reset]);
  return { query, older, newer };
}

/** Puts a page before the window under `queryKey`. */
function useOlder(question: Question, queryKey: QueryKey) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const cursor = client.getQueryData<LogWindow>(queryKey)?.older ?? null;
      if (cursor === null) return;
      const page = await loadOlder(question, cursor);
      client.setQueryData<LogWindow>(queryKey, (now) => now && withOlder(now, cursor, page));
    },
  });
}

/** Puts a page behind the window under `queryKey`. */
function useNewer(question: Question, queryKey: QueryKey) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const before = client.getQueryData<LogWindow>(queryKey);
      if (!before?.more) return;
      const page = await loadNewer(question, before);
      client.setQueryData<LogWindow>(queryKey, (now) => (now?.next === before.next ? withNewer(now, page) : now));
    },
  });
}
