import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { call, path, type Query } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { Alias, ChangedCheckpoint, Checkpoint, CheckpointUsage, DeletionAnswer, Page } from "@/shared/api/types";

const PAGE = 200;
/** Events tell most of what happens; pins, names and deletions of runs that nobody watches are seen by asking. */
const IDLE_MS = 30_000;
const DELETING_MS = 2000;

export function checkpointPages(query: Query) {
  return infiniteQueryOptions({
    queryKey: [...keys.checkpoints, "pages", query],
    queryFn: ({ pageParam, signal }) => call<Page<Checkpoint>>("GET", "/api/v1/checkpoints", { query: { ...query, limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => (state.data?.pages.some(({ items }) => items.some((each) => each.state === "deleting")) ? DELETING_MS : IDLE_MS),
  });
}

export function checkpointQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.checkpoints, "one", id],
    queryFn: ({ signal }) => call<Checkpoint>("GET", path`/api/v1/checkpoints/${id}`, { signal }),
  });
}

export const usageQuery = queryOptions({
  queryKey: [...keys.checkpoints, "usage"],
  queryFn: ({ signal }) => call<CheckpointUsage>("GET", "/api/v1/checkpoints/usage", { signal }),
  refetchInterval: IDLE_MS,
});

export const aliasesQuery = queryOptions({
  queryKey: [...keys.checkpoints, "aliases"],
  queryFn: ({ signal }) => call<Page<Alias>>("GET", "/api/v1/aliases", { query: { limit: PAGE }, signal }),
});

/** What deleting them would do now. Not kept: it is true for this moment only. */
export function dryRunQuery(ids: readonly string[]) {
  return queryOptions({
    queryKey: ["deletion", ids],
    queryFn: ({ signal }) => call<DeletionAnswer>("POST", "/api/v1/checkpoints/delete", { body: { ids, dry_run: true }, signal }),
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

export interface Change {
  pinned?: boolean;
  aliases?: readonly string[];
}

function useFresh() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: keys.checkpoints });
}

/** Pins and names a checkpoint. It is over when the lists show it. */
export function useChange(id: string) {
  const fresh = useFresh();
  return useMutation({
    mutationFn: (body: Change) => call<ChangedCheckpoint>("PATCH", path`/api/v1/checkpoints/${id}`, { body }),
    onSuccess: fresh,
  });
}

export function useVerify(id: string) {
  const fresh = useFresh();
  return useMutation({ mutationFn: () => call<Checkpoint>("POST", path`/api/v1/checkpoints/${id}/verify`), onSuccess: fresh });
}

export function useDelete() {
  const fresh = useFresh();
  return useMutation({
    mutationFn: (ids: readonly string[]) => call<DeletionAnswer>("POST", "/api/v1/checkpoints/delete", { body: { ids } }),
    onSettled: fresh,
  });
}
