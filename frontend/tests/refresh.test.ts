import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refresher } from "@/shared/live/refresh";

const KEY = ["run", "run_1", "events"];

let client: QueryClient;
let refresher: Refresher;
let asked: number;
let aborted: number;
let answerAfterMs: number;
let leave: () => void;

/** A list whose answer is the number of the question. */
beforeEach(async () => {
  vi.useFakeTimers();
  [asked, aborted, answerAfterMs] = [0, 0, 0];
  client = new QueryClient();
  refresher = new Refresher(client);
  const queryFn = ({ signal }: { signal: AbortSignal }) => {
    const number = (asked += 1);
    signal.addEventListener("abort", () => (aborted += 1));
    return new Promise<number>((resolve) => setTimeout(() => resolve(number), answerAfterMs));
  };
  leave = new QueryObserver(client, { queryKey: KEY, queryFn, staleTime: Infinity }).subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(10);
});

afterEach(() => {
  leave();
  client.clear();
  vi.useRealTimers();
});

const answer = () => client.getQueryData<number>(KEY) ?? 0;

test("many events at once are one question soon, and one later", async () => {
  for (let event = 0; event < 50; event += 1) refresher.stale(KEY);
  await vi.advanceTimersByTimeAsync(300);
  expect(asked).toBe(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toBe(3);
});

test("steady events do not take back a slow question: the list is refreshed all the while", async () => {
  answerAfterMs = 700;
  for (let event = 0; event < 100; event += 1) {
    refresher.stale(KEY);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(aborted).toBe(0);
  expect(answer()).toBeGreaterThan(8);
});

test("what comes while a question is under way is asked for behind it", async () => {
  answerAfterMs = 3000;
  refresher.stale(KEY);
  await vi.advanceTimersByTimeAsync(300);
  expect(asked).toBe(2);
  refresher.stale(KEY);
  await vi.advanceTimersByTimeAsync(2700);
  expect(asked).toBe(2);
  await vi.advanceTimersByTimeAsync(300);
  expect(asked).toBe(3);
});

test("the later question is not put off by further events, and the last event has one of its own", async () => {
  refresher.stale(KEY);
  await vi.advanceTimersByTimeAsync(1400);
  refresher.stale(KEY);
  await vi.advanceTimersByTimeAsync(150);
  expect(asked).toBe(3);
  await vi.advanceTimersByTimeAsync(60);
  expect(asked).toBe(4);
  await vi.advanceTimersByTimeAsync(1300);
  expect(asked).toBe(5);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(5);
});
