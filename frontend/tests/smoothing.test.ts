import { expect, test } from "vitest";
import { clipRange } from "@/features/charts/clip";
import { smooth, unitOf } from "@/features/charts/smoothing";

const ones = (count: number) => new Array<number>(count).fill(1);
const none = (count: number) => new Array<number>(count).fill(0);
const steps = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

function smoothed(x: number[], mean: number[], strength: number, unit = 1, [count, nan] = [ones(x.length), none(x.length)]): number[] {
  const target: number[] = [];
  smooth({ x, mean, count, nan }, strength, unit, target);
  return target;
}

/** As TensorBoard does it, written plainly. */
function debiased(values: readonly number[], strength: number): number[] {
  let last = 0;
  return values.map((value, index) => {
    last = strength * last + (1 - strength) * value;
    return last / (1 - strength ** (index + 1));
  });
}

test("with a point a step it is the debiased average that others show", () => {
  const values = steps(50).map((step) => Math.sin(step) + 10 / step);
  const expected = debiased(values, 0.9);
  smoothed(steps(50), values, 0.9).forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? NaN, 9));
});

test("it starts at the first value, leaves gaps alone, and does nothing at 0", () => {
  expect(smoothed([1, 2, 3, 4], [2, 2, NaN, 2], 0.9).map((value) => Number(value.toFixed(6)))).toEqual([2, 2, NaN, 2]);
  expect(smoothed([1, 2], [0, 10], 0)).toEqual([0, 10]);
});

test("the same curve in a tenth of the buckets is smoothed to nearly the same", () => {
  const values = steps(10_000).map((step) => 2 + Math.sin(step / 900) + (step % 2 ? 0.5 : -0.5));
  const fine = smoothed(steps(10_000), values, 0.9, 50);
  const coarse = Array.from({ length: 1000 }, (_, bucket) => values.slice(10 * bucket, 10 * bucket + 10).reduce((sum, value) => sum + value) / 10);
  const rough = smoothed(coarse.map((_, bucket) => 1 + 10 * bucket), coarse, 0.9, 50, [new Array<number>(1000).fill(10), none(1000)]);
  for (const bucket of [5, 100, 500, 999]) expect(rough[bucket]).toBeCloseTo(fine[10 * bucket + 9] ?? NaN, 1);
});

test("single live points behind full buckets weigh as points, not as buckets", () => {
  const [x, mean, count] = [[0, 1000, 1001], [1, 1, 100], [1000, 1000, 1]];
  expect(smoothed(x, mean, 0.9, 1000, [count, none(3)])[2]).toBeLessThan(1.1);
});

test("points that are no numbers weigh nothing", () => {
  expect(smoothed([0, 1], [1, 3], 0.5, 1, [[4, 4], [0, 3]])[1]).toBeCloseTo((0.5 * 4 * 1 + 1 * 3) / (0.5 * 4 + 1));
});

test("a whole run is a thousand units, and a step is the least", () => {
  expect(unitOf(1_000_000)).toBe(1000);
  expect(unitOf(200)).toBe(1);
});

test("far values are left out of sight, ordinary curves are whole", () => {
  const curve = steps(200).map((step) => 2 + 3 * Math.exp(-step / 40));
  expect(clipRange(curve, false)).toBeNull();
  const [low, high] = clipRange([...curve, 1e6, -1e6], false) ?? [NaN, NaN];
  expect(low).toBeLessThan(2);
  expect(high).toBeGreaterThan(4.5);
  expect(high).toBeLessThan(10);
  expect(clipRange([5, 5, 5], false)).toBeNull();
  expect(clipRange([NaN], false)).toBeNull();
});

test("on a log axis distances are ratios, and zero has no place", () => {
  const [low, high] = clipRange([0, ...steps(100).map((step) => 1 + step / 100), 1e9], true) ?? [NaN, NaN];
  expect(low).toBeGreaterThan(0.5);
  expect(high).toBeLessThan(10);
});
