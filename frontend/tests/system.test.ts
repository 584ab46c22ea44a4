import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { staleHistory } from "@/features/system/Host";
import { curvesOf, valueAt } from "@/features/system/curves";
import { hostsOf } from "@/features/system/hosts";
import { panelsFor, topOf } from "@/features/system/panels";
import { questionOf } from "@/features/system/question";
import { timeTicks } from "@/features/system/ticks";
import type { Attempt, Envelope, WorkerMetrics } from "@/shared/api/types";
import { SampleStore } from "@/shared/workers/SampleStore";
import { gpuIndexes, readingText, warningsOf } from "@/shared/workers/readings";

const CPU = "system/cpu.utilization";

function sampled(at: number, value: number, gpus: string[] = []): Envelope {
  const event = { type: "HostSampled" as const, worker: "w", metrics: { [CPU]: value }, gpus, dropped: 0 };
  return { run_id: "worker.w", attempt: null, fence: null, producer: "s", producer_seq: 1, at, event, epoch: "e", seq: 1 };
}

function history(x: number[], values: (number | null)[], newest = x.at(-1) ?? null): WorkerMetrics {
  return { series: [{ name: CPU, x, min: values, max: values, mean: values, last: values, count: x.map(() => 1), nan: x.map(() => 0) }], oldest: x[0] ?? null, newest };
}

const seconds = (store: SampleStore) => store.samples.get().map(({ second }) => second);

test("each second is there once, however often it is said, and no more than are kept", () => {
  const store = new SampleStore(3);
  store.add([sampled(10.5, 1), sampled(11.5, 2)], 1);
  store.add([sampled(11.5, 2), sampled(11.9, 3), sampled(12.5, 4)], 2);
  expect(seconds(store)).toEqual([10, 11, 12]);
  store.add([sampled(13.5, 5)], 3);
  expect(seconds(store)).toEqual([11, 12, 13]);
  expect(store.latest?.metrics).toEqual({ [CPU]: 5 });
  expect(store.heardAt).toBe(3);
});

test("the history fills what was before the live samples", () => {
  const store = new SampleStore(10);
  store.add([sampled(12.5, 4)], 5000);
  store.addHistory(history([9, 10, 11, 12], [1, null, 3, 99]));
  expect(seconds(store)).toEqual([9, 11, 12]);
  expect(store.latest?.metrics[CPU]).toBe(4);
  expect(store.heardAt).toBe(5000);
});

test("a second that comes twice in one frame, with an older one between, is there once", () => {
  const store = new SampleStore(10);
  store.add([sampled(10.1, 1), sampled(9.5, 2), sampled(10.8, 3)], 1);
  expect(seconds(store)).toEqual([10]);
});

test("the history fills seconds that were missed between live samples", () => {
  const store = new SampleStore(4);
  store.add([sampled(10.5, 1), sampled(14.5, 5)], 5000);
  store.addHistory(history([9, 10, 11, 12, 14], [0, 99, 2, 3, 99]));
  expect(seconds(store)).toEqual([10, 11, 12, 14]);
  expect(store.samples.get().map(({ metrics }) => metrics[CPU])).toEqual([1, 2, 3, 5]);
  expect(store.heardAt).toBe(5000);
});

test("where live samples were missed the history of that host is stale, and no other", () => {
  const client = new QueryClient();
  const [own, other] = [["worker", "w", "metrics", true, 0, 1], ["worker", "v", "metrics", true, 0, 1]];
  for (const key of [own, other]) client.setQueryData(key, history([1], [1]));
  staleHistory(client, "w");
  expect([own, other].map((key) => client.getQueryState(key)?.isInvalidated)).toEqual([true, false]);
  client.clear();
});

test("of what only the history has, its own clock says how old it is", () => {
  const store = new SampleStore(10);
  store.addHistory(history([9, 10], [1, 2]));
  expect(store.heardAt).toBe(10_000);
});

test("live samples go on behind the newest second of the history", () => {
  const live = [{ second: 11, metrics: { [CPU]: 5 }, gpus: [] }, { second: 13, metrics: { [CPU]: Infinity }, gpus: [] }];
  const curve = curvesOf(history([1, 6], [1, 2], 12), live).get(CPU);
  expect(curve?.x).toEqual([1, 6, 13]);
  expect(curve?.mean).toEqual([1, 2, NaN]);
  expect(curvesOf(undefined, live).get(CPU)?.x).toEqual([11, 13]);
});

test("at the crosshair the nearest bucket counts, unless nobody was there to read", () => {
  const curve = curvesOf(history([10, 20, 30, 90], [1, 2, 3, 9]), []).get(CPU);
  if (!curve) throw new Error("no curve");
  expect([14, 16, 31, 60, 200].map((second) => valueAt(curve, second, 8))).toEqual([1, 2, 3, undefined, undefined]);
  expect(valueAt(curve, null, 8)).toBe(9);
});

test("charts are of what there is: GPUs first, a line each", () => {
  const panels = panelsFor([CPU, "system/gpu.0.utilization", "system/gpu.1.utilization", "system/gpu.10.utilization"]);
  expect(panels.map(({ title }) => title)).toEqual(["GPU utilisation", "Processor"]);
  expect(panels[0]?.lines.map(({ label }) => label)).toEqual(["GPU 0", "GPU 1", "GPU 10"]);
  expect(gpuIndexes(["system/gpu.10.x", "system/gpu.2.x", CPU])).toEqual([2, 10]);
});

test("a scale ends where the largest GPU does, and is open where one has not told", () => {
  const memory = [0, 1].flatMap((gpu) => [`system/gpu.${String(gpu)}.memory_bytes`, `system/gpu.${String(gpu)}.memory_total_bytes`]);
  const panel = panelsFor(memory).find(({ title }) => title === "GPU memory");
  if (!panel) throw new Error("no panel");
  const totals = (...of: number[]) => new Map(of.map((most, gpu) => [`system/gpu.${String(gpu)}.memory_total_bytes`, { max: [most, NaN] }]));
  expect([topOf(panel, totals(24e9, 80e9)), topOf(panel, totals(24e9)), topOf({ ...panel, top: 100 }, totals())]).toEqual([80e9, undefined, 100]);
});

test("the history is asked for up to now where it follows, whatever the browser's clock says", () => {
  expect(questionOf([100, 200], false)).toMatchObject({ from: 98, to: 202 });
  expect(questionOf([100, 200], true)).not.toHaveProperty("to");
});

test("warnings: memory errors, little disk, heat", () => {
  const warn = (metrics: Record<string, number>) => warningsOf({ second: 1, gpus: [], metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`system/${name}`, value])) });
  expect(warn({ "disk.free_bytes": 6e9, "disk.total_bytes": 1e11, "gpu.0.ecc_uncorrected": 0, "gpu.0.throttled_by_heat": 0 })).toEqual([]);
  expect(warn({ "gpu.0.throttled_by_heat": 1, "gpu.0.temperature_celsius": 91, "disk.free_bytes": 4e9, "disk.total_bytes": 1e11, "gpu.3.ecc_uncorrected": 2 }).map(({ tone, text }) => [tone, text.slice(0, 20)])).toEqual([
    ["bad", "GPU 3: 2 memory erro"],
    ["bad", "little disk left: 4."],
    ["warn", "GPU 0 is slowed down"],
  ]);
});

test("what was not read is a dash", () => {
  expect([readingText("percent", 12.6), readingText("bytes per second", 1500), readingText("watts", undefined), readingText("celsius", NaN)]).toEqual(["13 %", "1.50 kB/s", "–", "–"]);
});

test.each([
  [100, 130, 6, [100, 105, 110, 115, 120, 125, 130]],
  [7201, 10_900, 6, [8100, 9000, 9900, 10_800]],
])("ticks are round times: %d to %d", (from, to, most, ticks) => {
  const shift = new Date(from * 1000).getTimezoneOffset() * 60;
  expect(shift % 3600).toBe(0);
  expect(timeTicks(from, to, most)).toEqual(ticks);
});

test("the attempts of a run on their workers", () => {
  const attempt = (number: number, worker: string, started_at: string | null, ended_at: string | null) => ({ attempt: number, worker, started_at, ended_at }) as Attempt;
  const at = (second: number) => new Date(second * 1000).toISOString();
  expect(hostsOf([attempt(1, "a", at(10), at(20)), attempt(2, "b", at(30), at(40)), attempt(3, "a", at(50), null), attempt(4, "c", null, null)])).toEqual([
    { worker: "a", attempts: [1, 3], started: 10, ended: null },
    { worker: "b", attempts: [2], started: 30, ended: 40 },
  ]);
});
