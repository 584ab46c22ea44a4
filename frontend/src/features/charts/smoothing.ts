import type { Buckets } from "./curve";

type Smoothed = Pick<Buckets, "x" | "mean" | "count" | "nan">;

/**
 * Exponential moving average in place of `target`, corrected for its start; gaps stay gaps. `strength` 0 (none) to below 1: what a point
 * keeps of its weight over a distance of `unit` on the x axis.
 *
 * Each bucket weighs as many points as are in it, so the curve does not depend on how many buckets there are or where live points begin.
 * With a point per `unit` it is the average of TensorBoard, `average = strength * average + (1 - strength) * value`, divided by
 * `1 - strength ** n` after n points.
 */
export function smooth({ x: xs, mean, count, nan }: Smoothed, strength: number, unit: number, target: number[]): void {
  let [sum, weight, before] = [0, 0, NaN];
  target.length = mean.length;
  for (let index = 0; index < mean.length; index += 1) {
    const value = mean[index] ?? NaN;
    const x = xs[index] ?? NaN;
    if (Number.isNaN(value) || strength <= 0) {
      target[index] = value;
      continue;
    }
    const kept = Number.isNaN(before) ? 0 : strength ** ((x - before) / unit);
    const points = (count[index] ?? 1) - (nan[index] ?? 0);
    sum = kept * sum + points * value;
    weight = kept * weight + points;
    before = x;
    target[index] = sum / weight;
  }
}

/**
 * So many times the unit is a whole run: the same strength does the same to runs of any length, however near one looks. Only at the left edge of
 * a zoom the average begins anew, as history is loaded from there on.
 */
const UNITS = 1000;

/** The unit of a run of so many steps, in steps; of a short run a step, as elsewhere. */
export function unitOf(steps: number): number {
  return Math.max(1, steps / UNITS);
}
