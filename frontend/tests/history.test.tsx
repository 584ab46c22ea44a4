import { QueryClient, QueryClientProvider, QueryObserver, environmentManager } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NoCurves } from "@/features/charts/CompareCharts";
import { MetricStore } from "@/features/charts/MetricStore";
import { within } from "@/features/charts/curve";
import { WithoutFlops } from "@/features/charts/WithoutFlops";
import { useEarlier } from "@/features/charts/useEarlier";
import { historyQuery, historySpan } from "@/features/charts/useHistory";
import { isToGrow, whileItGrows } from "@/shared/api/metrics";
import { eventsQuery, keys } from "@/shared/api/queries";
import type { MetricsAnswer, Run } from "@/shared/api/types";

const SPAN = { axis: "time", from: undefined, to: undefined } as const;

let asked: string[];
let answer: () => Response;
let client: QueryClient;

function run(step: number, ended: boolean): Run {
  return { id: "run_1", name: "one", ended_at: ended ? "2026-01-01T00:00:00Z" : null, progress: { step }, attempts: [{}, {}] } as unknown as Run;
}

function reached(step: number): Response {
  const told: MetricsAnswer = { series: [], refused: null, reached: { attempt: 1, step } };
  return Response.json(told);
}

beforeEach(() => {
  vi.useFakeTimers();
  environmentManager.setIsServer(() => false); // a server would ask once
  asked = [];
  client = new QueryClient({ defaultOptions: { queries: { retry: false, retryOnMount: false, networkMode: "always" } } });
  vi.stubGlobal("fetch", (address: string) => {
    asked.push(address);
    return Promise.resolve(answer());
  });
});

afterEach(() => {
  client.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function follow(of: Run, axis: "time" | "step" = "time"): () => void {
  return new QueryObserver(client, historyQuery(of, new MetricStore(), { ...SPAN, axis }, 800, 0)).subscribe(() => undefined);
}

test("over time the history of a run that has ended is asked until its last step is written", async () => {
  answer = () => reached(97);
  const leave = follow(run(100, true));
  await vi.advanceTimersByTimeAsync(12_000);
  expect(asked).toHaveLength(3);
  answer = () => reached(100);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(4);
  leave();
});

test("a run that had not ended when it was asked is asked again, whatever was written", () => {
  expect(isToGrow(run(100, true), { ended: false, reached: { attempt: 1, step: 100 } })).toBe(true);
  expect(isToGrow(run(100, true), { ended: true, reached: { attempt: 1, step: 100 } })).toBe(false);
  expect(isToGrow(run(0, true), { ended: true, reached: null }), "it ended before its first step").toBe(false);
  expect(whileItGrows(null, 7)({ state: { status: "pending", data: undefined } })).toBe(false);
});

test.each(["time", "step"] as const)("history that could not be loaded over %s is asked again every five seconds until it is", async (axis) => {
  answer = () => Response.json({ title: "database", detail: "it does not answer" }, { status: 503 });
  const leave = follow(run(100, true), axis);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(asked).toHaveLength(3);
  answer = () => reached(100);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(4);
  leave();
});

function EarlierError() {
  return <p>{useEarlier([run(1, true)], true, () => ({ ...SPAN, axis: "step" }), 800).error?.message}</p>;
}

test("that earlier attempts could not be had is told", () => {
  const queryKey = [...keys.run("run_1"), "earlier", "step", null, null, 800, 2];
  client.getQueryCache().build(client, { queryKey }).setState({ status: "error", error: new Error("it does not answer") });
  const text = renderToStaticMarkup(
    <QueryClientProvider client={client}>
      <EarlierError />
    </QueryClientProvider>,
  );
  expect(text).toBe("<p>it does not answer</p>");
});

test("a comparison says that there are no points only where that is known", () => {
  expect(renderToStaticMarkup(<NoCurves hidden={false} loaded={false} />)).not.toContain("No points yet");
  expect(renderToStaticMarkup(<NoCurves hidden={false} loaded />)).toContain("No points yet");
  expect(renderToStaticMarkup(<NoCurves hidden loaded={false} />)).toContain("All runs are hidden");
  const store = new MetricStore();
  expect(store.loaded.get()).toBe(false);
  store.setHistory({ axis: "step", to: undefined, base: null }, [], null);
  expect(store.loaded.get()).toBe(true);
});

test("who is not drawn over FLOPs is named", () => {
  expect(renderToStaticMarkup(<WithoutFlops runs={[]} />)).toBe("");
  expect(renderToStaticMarkup(<WithoutFlops runs={[{ name: "one" }]} />)).toContain("Nobody knows the FLOPs of one, so it is not drawn over them.");
});

test("of events the newest are asked for", async () => {
  answer = () => Response.json({ items: [], next_cursor: null });
  await client.query(eventsQuery("run_1", "TrainingHeld"));
  expect(asked).toEqual(["/api/v1/runs/run_1/events?type=TrainingHeld&order=newest&limit=200"]);
});

test("a line over FLOPs, and what the legend tells of it, are of what is in sight there", () => {
  const store = new MetricStore();
  const values = [5, 1, 3];
  store.setHistory({ axis: "tokens", to: undefined, base: null }, [{ name: "m", attempt: 1, x: [10, 20, 30], min: values, max: values, mean: values, last: values, count: [1, 1, 1], nan: [0, 0, 0] }], null);
  const { axis, from, to } = historySpan({ axis: "flops", from: 150, to: 300 }, 10);
  expect(within(store.curve("m", axis), from, to).mean).toEqual([1, 3]);
  expect(within(store.curve("m", "step"), undefined, undefined).mean).toEqual([]);
});
