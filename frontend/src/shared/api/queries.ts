import { queryOptions } from "@tanstack/react-query";
import { call, path, type Query } from "./client";
import type { Alert, AnyEvent, Checkpoint, Command, Dataset, Emergency, Envelope, Me, Page, Queue, Run, Tokenizer, Worker } from "./types";

/** First parts of the query keys, for invalidation. */
export const keys = {
  runs: ["runs"],
  run: (id: string) => ["run", id],
  workers: ["workers"],
  queue: ["queue"],
  emergency: ["emergency"],
  datasets: ["datasets"],
  checkpoints: ["checkpoints"],
  alerts: ["alerts"],
  notifications: ["notifications"],
  me: ["me"],
} as const;

const ACTIVE = new Set(["starting", "running", "pausing", "stopping"]);

export function isActive(run: Run): boolean {
  return ACTIVE.has(run.state);
}

export function hasEnded(run: Run): boolean {
  return run.ended_at !== null;
}

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => call<Me>("GET", "/api/v1/me", { signal }),
  staleTime: 60_000,
});

export function runsQuery(query: Query) {
  return queryOptions({
    queryKey: [...keys.runs, query],
    queryFn: ({ signal }) => call<Page<Run>>("GET", "/api/v1/runs", { query, signal }),
  });
}

export function runQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.run(id), "record"],
    queryFn: ({ signal }) => call<Run>("GET", path`/api/v1/runs/${id}`, { signal }),
    refetchInterval: ({ state }) => (state.data && !hasEnded(state.data) ? 5000 : false),
  });
}

export const workersQuery = queryOptions({
  queryKey: keys.workers,
  queryFn: ({ signal }) => call<Page<Worker>>("GET", "/api/v1/workers", { query: { limit: 200 }, signal }),
  refetchInterval: 5000,
});

export const queueQuery = queryOptions({
  queryKey: keys.queue,
  queryFn: ({ signal }) => call<Queue>("GET", "/api/v1/queue", { query: { limit: 200 }, signal }),
  refetchInterval: 5000,
});

export const emergencyQuery = queryOptions({
  queryKey: keys.emergency,
  queryFn: ({ signal }) => call<Emergency>("GET", "/api/v1/emergency-stop", { signal }),
  refetchInterval: 5000,
});

export const datasetsQuery = queryOptions({
  queryKey: keys.datasets,
  queryFn: ({ signal }) => call<Page<Dataset>>("GET", "/api/v1/datasets", { query: { limit: 200 }, signal }),
});

export const tokenizersQuery = queryOptions({
  queryKey: ["tokenizers"],
  queryFn: ({ signal }) => call<Page<Tokenizer>>("GET", "/api/v1/tokenizers", { query: { limit: 200 }, signal }),
});

/** Newest first; of one run, or of all. */
export function checkpointsQuery(runId?: string) {
  const address = runId === undefined ? "/api/v1/checkpoints" : path`/api/v1/runs/${runId}/checkpoints`;
  return queryOptions({
    queryKey: [...keys.checkpoints, runId ?? "all"],
    queryFn: ({ signal }) => call<Page<Checkpoint>>("GET", address, { query: { limit: 200 }, signal }),
  });
}

/** Newest first: of one run, or what is open anywhere. */
export function alertsQuery(runId?: string) {
  const query = runId === undefined ? { open: "true", limit: 200 } : { run_id: runId, limit: 200 };
  return queryOptions({
    queryKey: [...keys.alerts, runId ?? "open"],
    queryFn: ({ signal }) => call<Page<Alert>>("GET", "/api/v1/alerts", { query, signal }),
    refetchInterval: ({ state }) => (state.data?.items.some(({ action }) => action.state === "pending") ? 2000 : false),
  });
}

const MOST_PAGES = 10;

/** Open alerts of what is no run, newest first: the room for checkpoints (`cluster`) and the workers' disks (`worker.<name>`). */
export const clusterAlertsQuery = queryOptions({
  queryKey: [...keys.alerts, "of no run"],
  queryFn: async ({ signal }): Promise<Page<Alert>> => {
    const items: Alert[] = [];
    let cursor: string | null = null;
    // They have no question of their own, and may be behind many of runs.
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const found: Page<Alert> = await call<Page<Alert>>("GET", "/api/v1/alerts", { query: { open: "true", limit: 200, cursor }, signal });
      items.push(...found.items.filter(({ run_id }) => run_id === "cluster" || run_id.startsWith("worker.")));
      cursor = found.next_cursor;
      if (cursor === null) break;
    }
    return { items, next_cursor: cursor };
  },
});

/** An envelope whose event is of one kind. */
export type EnvelopeOf<Type extends AnyEvent["type"]> = Envelope & { event: Extract<AnyEvent, { type: Type }> };

/** The newest of one kind, newest first. Anything that happens to the run makes it stale. */
export function eventsQuery<Type extends AnyEvent["type"]>(runId: string, type: Type) {
  return queryOptions({
    queryKey: [...keys.run(runId), "events", type],
    queryFn: ({ signal }) => call<Page<Envelope>>("GET", path`/api/v1/runs/${runId}/events`, { query: { type, order: "newest", limit: 200 }, signal }),
    select: ({ items }) => items.filter((item): item is EnvelopeOf<Type> => item.event.type === type),
  });
}

/** What a run was asked for, newest first; its events make it stale. */
export function commandsQuery(runId: string) {
  return queryOptions({
    queryKey: [...keys.run(runId), "commands"],
    queryFn: ({ signal }) => call<Page<Command>>("GET", path`/api/v1/runs/${runId}/commands`, { query: { limit: 100 }, signal }),
    refetchInterval: ({ state }) => (state.data?.items.some(isOpen) ? 1000 : false),
  });
}

export function isOpen({ state }: Command): boolean {
  return state === "requested" || state === "accepted";
}
