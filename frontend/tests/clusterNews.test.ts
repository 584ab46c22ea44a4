import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { clusterNews } from "@/app/useClusterNews";
import { checkpointsQuery, keys, workersQuery } from "@/shared/api/queries";
import type { AnyEvent, Envelope } from "@/shared/api/types";

let client: QueryClient;

beforeEach(() => {
  vi.useFakeTimers();
  client = new QueryClient();
  for (const key of [checkpointsQuery().queryKey, checkpointsQuery("run_1").queryKey, workersQuery.queryKey]) client.setQueryData(key, { items: [], next_cursor: null });
});

afterEach(() => {
  client.clear();
  vi.useRealTimers();
});

function envelope(event: AnyEvent): Envelope {
  return { run_id: "cluster", attempt: null, fence: null, producer: "api", producer_seq: 1, at: 1, event, epoch: "e", seq: 1 };
}

const isStale = (key: readonly unknown[]) => client.getQueryState(key)?.isInvalidated;

test("a committed checkpoint makes the lists of checkpoints stale, of its run and of all, and nothing else", async () => {
  clusterNews(client).onEvents([envelope({ type: "CheckpointCommitted", checkpoint_id: "ckpt_1", step: 10, bytes: 5 })]);
  await vi.advanceTimersByTimeAsync(500);
  expect(isStale(checkpointsQuery().queryKey)).toBe(true);
  expect(isStale(checkpointsQuery("run_1").queryKey)).toBe(true);
  expect(isStale(keys.workers)).toBe(false);
});

test.each<AnyEvent>([
  { type: "QueuePaused", by: "ada", reason: "maintenance" },
  { type: "QueueReopened", by: "ada" },
  { type: "RunStateChanged", run_id: "run_1", old: "queued", new: "starting", by: "scheduler", reason: "" },
])("$type makes the queue stale", async (event) => {
  client.setQueryData(keys.queue, { pause: null, waiting: 0, shares: [], items: [], next_cursor: null });
  clusterNews(client).onEvents([envelope(event)]);
  await vi.advanceTimersByTimeAsync(500);
  expect(isStale(keys.queue)).toBe(true);
});

test("a worker that is drained makes the workers stale", async () => {
  clusterNews(client).onEvents([envelope({ type: "WorkerDraining", worker: "w1", draining: true, by: "ada" })]);
  await vi.advanceTimersByTimeAsync(500);
  expect(isStale(keys.workers)).toBe(true);
});

test("where events were missed every list is loaded again", async () => {
  clusterNews(client).onHistory();
  await vi.advanceTimersByTimeAsync(500);
  expect([isStale(checkpointsQuery().queryKey), isStale(keys.workers)]).toEqual([true, true]);
});
