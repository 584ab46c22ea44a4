import { expect, test } from "vitest";
import { MetricStore } from "@/features/charts/MetricStore";
import type { Axis } from "@/features/charts/curve";
import { isBehind, type Question } from "@/features/charts/question";
import type { Series } from "@/shared/api/types";
import type { Point } from "@/shared/live/applyEvent";

function point(step: number, value = step, attempt = 1): Point {
  return { evaluation: false, attempt, step, tokens: step * 10, metrics: { "train/loss": value } };
}

function series(xs: number[], counts = xs.map(() => 1)): Series {
  return { name: "train/loss", attempt: 1, x: xs, min: xs, max: xs, mean: xs, last: xs, count: counts, nan: xs.map(() => 0) };
}

/** Asked with nothing of ours to take over. */
function upTo(to?: number, axis: Axis = "step"): Question {
  return { axis, to, base: null };
}

/** What the monitor answers for steps 1 to `last` of one attempt, in at most `buckets` buckets. */
function written(last: number, from: number, to: number, buckets = 800): Series {
  const width = Math.max(1, Math.ceil((Math.min(to, last) - from + 1) / buckets));
  const xs: number[] = [];
  for (let x = from; x <= Math.min(to, last); x += width) xs.push(x);
  return series(xs, xs.map((x) => Math.min(width, Math.min(to, last) - x + 1)));
}

const counted = (store: MetricStore, axis: Axis = "step") => store.curve("train/loss", axis).count.reduce((sum, count) => sum + count, 0);
const steps = (store: MetricStore, axis: Axis = "step") => store.curve("train/loss", axis).x;

test("live points continue history; what both have is shown once", () => {
  const store = new MetricStore();
  store.add(point(3));
  store.add(point(4));
  store.setHistory(upTo(), [series([1, 2, 3])], null);
  expect(steps(store)).toEqual([1, 2, 3, 4]);
});

test("a point that comes twice is there once", () => {
  const store = new MetricStore();
  for (const step of [1, 2, 2, 1, 3]) store.add(point(step));
  expect(steps(store)).toEqual([1, 2, 3]);
});

test("history is asked for up to the first live point", () => {
  const store = new MetricStore();
  expect(store.ask("step")).toEqual(upTo());
  store.add(point(8));
  store.add(point(9));
  expect(store.ask("step")).toEqual(upTo(7));
  expect(store.ask("tokens")).toEqual(upTo(79, "tokens"));
  expect(store.ask("step", 5)).toEqual(upTo(5));
  expect(store.ask("time", 2.5)).toEqual(upTo(2.5, "time"));
});

test("history that may hide live points in its last bucket is loaded again, once", () => {
  const store = new MetricStore();
  store.setHistory(upTo(), [series([1, 5], [4, 4])], null);
  store.add(point(8));
  store.add(point(9));
  expect(store.wanted.get()).toBe(1);
  store.setHistory(upTo(7), [series([1, 5], [4, 3])], null);
  store.add(point(10));
  expect(store.wanted.get()).toBe(1);
  expect(steps(store)).toEqual([1, 5, 8, 9, 10]);
});

test("a later attempt wins where it takes a step again", () => {
  const store = new MetricStore();
  store.setHistory(upTo(3), [series([1, 2, 3])], null);
  for (const step of [4, 5, 6]) store.add(point(step));
  store.add(point(3, 30, 2));
  store.add(point(4, 40, 2));
  store.add(point(7, 7, 1));
  expect(steps(store)).toEqual([1, 2, 3, 4]);
  expect(store.curve("train/loss", "step").mean).toEqual([1, 2, 30, 40]);
});

test("after a reset what was shown stays until history is there again", () => {
  const store = new MetricStore();
  store.setHistory(upTo(), [series([1, 2])], null);
  store.add(point(3));
  store.forget();
  expect(steps(store)).toEqual([1, 2, 3]);
  expect(store.wanted.get()).toBe(1);
  store.add(point(9));
  store.setHistory(upTo(8), [series([1, 2, 3, 5, 8])], null);
  expect(steps(store)).toEqual([1, 2, 3, 5, 8, 9]);
});

test("many live points are joined, and no spike or count is lost", () => {
  const store = new MetricStore();
  for (let step = 1; step <= 10_001; step += 1) store.add(point(step, step === 5000 ? 1e6 : 1));
  const curve = store.curve("train/loss", "step");
  expect(curve.x.length).toBeLessThanOrEqual(1200);
  expect(Math.max(...curve.max)).toBe(1e6);
  expect(curve.count.reduce((sum, count) => sum + count, 0)).toBe(10_001);
  const total = curve.mean.reduce((sum, mean, index) => sum + mean * (curve.count[index] ?? 0), 0);
  expect(total).toBeCloseTo(1e6 + 10_000, 3);
});

test("what is not a number is counted and leaves a gap", () => {
  const store = new MetricStore();
  store.add(point(1));
  store.add(point(2, NaN));
  const curve = store.curve("train/loss", "step");
  expect(curve.mean).toEqual([1, NaN]);
  expect(curve.nan).toEqual([0, 1]);
});

test("over tokens live points are placed by their tokens", () => {
  const store = new MetricStore();
  store.add(point(3));
  store.setHistory(upTo(29, "tokens"), [series([10, 20])], null);
  expect(steps(store, "tokens")).toEqual([10, 20, 30]);
});

test("an evaluation that comes first does not hide the step it belongs to", () => {
  const store = new MetricStore();
  store.add({ evaluation: true, attempt: 1, step: 3, tokens: 30, metrics: { "val/loss": 9 } });
  store.setHistory(store.ask("step"), [series([1, 2, 3]), { ...series([3]), name: "val/loss" }], null);
  store.add(point(4));
  expect(steps(store)).toEqual([1, 2, 3, 4]);
  expect(store.curve("val/loss", "step")).toMatchObject({ x: [3], mean: [9] });
});

/** 5,000 steps that came live, and so were joined. */
function long(): MetricStore {
  const store = new MetricStore();
  for (let step = 1; step <= 5000; step += 1) store.add(point(step));
  expect(steps(store).length).toBeLessThanOrEqual(1200);
  return store;
}

test("a zoom into what came live gets every step of it from history", () => {
  const store = long();
  const question = store.ask("step", 2100);
  expect(question).toMatchObject({ to: 2100, base: { attempt: 1, step: 4801, tokens: 48_010 } });
  store.setHistory(question, [written(5000, 2000, 2100)], { attempt: 1, step: 4999 });
  expect(steps(store).filter((step) => step >= 2000 && step <= 2100)).toEqual(Array.from({ length: 101 }, (_, index) => 2000 + index));
});

test("history takes over but for the newest points, which stay one by one, and no step is lost or counted twice", () => {
  const store = long();
  const question = store.ask("step");
  expect(question.to).toBe(4800);
  for (let step = 5001; step <= 7000; step += 1) store.add(point(step));
  store.setHistory(question, [written(6000, 1, 4800)], { attempt: 1, step: 6000 });
  expect(counted(store)).toBe(7000);
  expect(steps(store)).toContain(4801);
  expect(store.ask("step").to).toBeGreaterThan(6700);
});

test("history that is not written that far does not take over, and is asked the same again", () => {
  const store = long();
  const question = store.ask("step");
  store.setHistory(question, [written(4700, 1, 4800)], { attempt: 1, step: 4700 });
  expect(counted(store)).toBe(5000);
  expect(isBehind(question, { attempt: 1, step: 4700 })).toBe(true);
  for (let step = 5001; step <= 8000; step += 1) store.add(point(step));
  expect(store.ask("step")).toEqual(question);
  store.setHistory(question, [written(8000, 1, 4800)], { attempt: 1, step: 8000 });
  expect(isBehind(question, { attempt: 1, step: 8000 })).toBe(false);
  expect(counted(store)).toBe(8000);
  expect(store.wanted.get()).toBe(0);
});

test("an answer from before a later attempt began does not take over", () => {
  const store = long();
  const question = store.ask("step");
  store.add(point(4000, 1, 2));
  store.setHistory(question, [written(5000, 1, 4800)], { attempt: 1, step: 5000 });
  store.setHistory(store.ask("step"), [written(3999, 1, 3999)], { attempt: 2, step: 4000 });
  expect(counted(store)).toBe(4000);
});

test("a later attempt that resumes within joined live points has history loaded again, up to its first step", () => {
  const store = long();
  store.add(point(4, 4, 2));
  expect(store.wanted.get()).toBe(1);
  expect(store.ask("step")).toEqual({ ...upTo(3), base: { attempt: 2, step: 4, tokens: 40 } });
  store.setHistory(upTo(3), [series([1, 2, 3])], { attempt: 2, step: 4 });
  store.add(point(5, 5, 2));
  expect(steps(store)).toEqual([1, 2, 3, 4, 5]);
  expect(counted(store)).toBe(5);
  expect(store.wanted.get()).toBe(1);
});

test("a later attempt that resumes within a bucket of history has it loaded again, whatever the last bucket holds", () => {
  const store = new MetricStore();
  store.setHistory(upTo(), [series([1, 5, 9], [4, 4, 1])], null);
  store.add(point(7, 7, 2));
  expect(store.wanted.get()).toBe(1);
  store.setHistory(store.ask("step"), [series([1, 4], [3, 3])], { attempt: 2, step: 7 });
  expect(counted(store)).toBe(7);
  expect(store.wanted.get()).toBe(1);
});

test("a later attempt that resumes between buckets, or goes on behind, asks for nothing", () => {
  const store = new MetricStore();
  store.setHistory(upTo(3), [series([1, 2, 3])], null);
  for (const step of [4, 5, 6]) store.add(point(step));
  store.add(point(7, 7, 2));
  store.add(point(6, 60, 3));
  expect(store.curve("train/loss", "step").mean).toEqual([1, 2, 3, 4, 5, 60]);
  expect(store.wanted.get()).toBe(0);
});

test("an answer that was asked for before the first live point came, and may hold it, is asked for again", () => {
  const store = new MetricStore();
  const question = store.ask("step");
  store.add(point(7));
  store.setHistory(question, [series([1, 5, 9], [4, 4, 1])], { attempt: 1, step: 9 });
  expect(store.wanted.get()).toBe(1);
  store.setHistory(store.ask("step"), [series([1, 4], [3, 3])], { attempt: 1, step: 9 });
  expect(counted(store)).toBe(7);
});

test("what an earlier attempt did is heard again too, and history is asked until it has it", () => {
  const store = new MetricStore();
  for (let step = 1; step <= 10; step += 1) store.add(point(step));
  store.add(point(9, 90, 2));
  store.forget();
  store.setHistory(store.ask("step"), [series([1, 2, 3, 4, 5])], { attempt: 1, step: 5 });
  for (let step = 6; step <= 10; step += 1) store.add(point(step));
  store.add(point(9, 90, 2));
  expect(steps(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(store.curve("train/loss", "step").mean.at(-1)).toBe(90);
  const question = store.ask("step");
  expect(question.to).toBe(8);
  expect(isBehind(question, { attempt: 1, step: 5 })).toBe(true);
  expect(isBehind(question, { attempt: 2, step: 9 })).toBe(false);
  store.setHistory(question, [series([1, 2, 3, 4, 5, 6, 7, 8])], { attempt: 2, step: 9 });
  expect(store.ask("step").base).toBeNull();
});

test("what was loaded over another axis is not shown, what came live is", () => {
  const store = new MetricStore();
  store.setHistory(upTo(), [series([1, 2])], null);
  expect(steps(store, "tokens")).toEqual([]);
  store.add(point(3));
  expect(steps(store, "tokens")).toEqual([30]);
  expect(steps(store, "time")).toEqual([]);
  store.setHistory(upTo(29, "tokens"), [series([10, 20])], null);
  expect(steps(store, "tokens")).toEqual([10, 20, 30]);
  expect(steps(store)).toEqual([3]);
});
