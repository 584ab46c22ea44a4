import { expect, test } from "vitest";
import { MetricStore } from "@/features/charts/MetricStore";
import type { Series } from "@/shared/api/types";
import type { Point } from "@/shared/live/applyEvent";

function point(step: number, value = step, attempt = 1): Point {
  return { evaluation: false, attempt, step, tokens: step * 10, metrics: { "train/loss": value } };
}

function series(xs: number[], counts = xs.map(() => 1)): Series {
  return { name: "train/loss", attempt: 1, x: xs, min: xs, max: xs, mean: xs, last: xs, count: counts, nan: xs.map(() => 0) };
}

const steps = (store: MetricStore) => store.curve("train/loss").x;

test("live points continue history; what both have is shown once", () => {
  const store = new MetricStore();
  store.add(point(3));
  store.add(point(4));
  store.setHistory([series([1, 2, 3])], "step", undefined);
  expect(steps(store)).toEqual([1, 2, 3, 4]);
});

test("a point that comes twice is there once", () => {
  const store = new MetricStore();
  for (const step of [1, 2, 2, 1, 3]) store.add(point(step));
  expect(steps(store)).toEqual([1, 2, 3]);
});

test("history is asked for up to the first live point", () => {
  const store = new MetricStore();
  expect(store.bound("step")).toBeUndefined();
  store.add(point(8));
  store.add(point(9));
  expect(store.bound("step")).toBe(7);
  expect(store.bound("tokens")).toBe(79);
});

test("history that may hide live points in its last bucket is loaded again, once", () => {
  const store = new MetricStore();
  store.setHistory([series([1, 5], [4, 4])], "step", undefined);
  store.add(point(8));
  store.add(point(9));
  expect(store.wanted.get()).toBe(1);
  store.setHistory([series([1, 5], [4, 3])], "step", 7);
  store.add(point(10));
  expect(store.wanted.get()).toBe(1);
  expect(steps(store)).toEqual([1, 5, 8, 9, 10]);
});

test("a later attempt wins where it takes a step again", () => {
  const store = new MetricStore();
  store.setHistory([series([1, 2, 3])], "step", 3);
  for (const step of [4, 5, 6]) store.add(point(step));
  store.add(point(3, 30, 2));
  store.add(point(4, 40, 2));
  store.add(point(7, 7, 1));
  expect(steps(store)).toEqual([1, 2, 3, 4]);
  expect(store.curve("train/loss").mean).toEqual([1, 2, 30, 40]);
});

test("after a reset what was shown stays until history is there again", () => {
  const store = new MetricStore();
  store.setHistory([series([1, 2])], "step", undefined);
  store.add(point(3));
  store.forget();
  expect(steps(store)).toEqual([1, 2, 3]);
  expect(store.wanted.get()).toBe(1);
  store.add(point(9));
  store.setHistory([series([1, 2, 3, 5, 8])], "step", 8);
  expect(steps(store)).toEqual([1, 2, 3, 5, 8, 9]);
});

test("many live points are joined, and no spike or count is lost", () => {
  const store = new MetricStore();
  for (let step = 1; step <= 10_001; step += 1) store.add(point(step, step === 5000 ? 1e6 : 1));
  const curve = store.curve("train/loss");
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
  const curve = store.curve("train/loss");
  expect(curve.mean).toEqual([1, NaN]);
  expect(curve.nan).toEqual([0, 1]);
});

test("over tokens live points are placed by their tokens", () => {
  const store = new MetricStore();
  store.add(point(3));
  store.setHistory([series([10, 20])], "tokens", 29);
  expect(steps(store)).toEqual([10, 20, 30]);
});

test("an evaluation that comes first does not hide the step it belongs to", () => {
  const store = new MetricStore();
  store.add({ evaluation: true, attempt: 1, step: 3, tokens: 30, metrics: { "val/loss": 9 } });
  store.setHistory([series([1, 2, 3]), { ...series([3]), name: "val/loss" }], "step", store.bound("step"));
  store.add(point(4));
  expect(steps(store)).toEqual([1, 2, 3, 4]);
  expect(store.curve("val/loss")).toMatchObject({ x: [3], mean: [9] });
});
