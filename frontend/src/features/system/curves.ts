import type { WorkerMetrics } from "@/shared/api/types";
import type { Sample } from "@/shared/workers/SampleStore";

/** One reading over time, in rising seconds since 1970; lists of the same length. NaN where nothing finite was read. */
export interface Curve {
  x: number[];
  min: number[];
  max: number[];
  mean: number[];
  last: number[];
  count: number[];
}

export function emptyCurve(): Curve {
  return { x: [], min: [], max: [], mean: [], last: [], count: [] };
}

/** By name: what the history has, and behind its newest second what came live. */
export function curvesOf(history: WorkerMetrics | undefined, live: readonly Sample[]): Map<string, Curve> {
  const curves = new Map<string, Curve>();
  for (const { name, x, min, max, mean, last, count } of history?.series ?? []) {
    curves.set(name, { x: [...x], min: finite(min), max: finite(max), mean: finite(mean), last: finite(last), count: [...count] });
  }
  const newest = history?.newest ?? -Infinity;
  for (const { second, metrics } of live) {
    if (second <= newest) continue;
    for (const [name, value] of Object.entries(metrics)) {
      const curve = curves.get(name) ?? emptyCurve();
      curves.set(name, curve);
      append(curve, second, value);
    }
  }
  return curves;
}

function append(curve: Curve, second: number, value: number): void {
  curve.x.push(second);
  for (const column of [curve.min, curve.max, curve.mean, curve.last]) column.push(Number.isFinite(value) ? value : NaN);
  curve.count.push(1);
}

function finite(values: readonly (number | null)[]): number[] {
  return values.map((value) => value ?? NaN);
}

/** The value at the bucket nearest to a second, no further away than `reach` seconds; the newest without a second. */
export function valueAt(curve: Curve, second: number | null, reach: number): number | undefined {
  if (second === null) return curve.last.at(-1);
  let nearest = -1;
  let distance = reach;
  for (let low = 0, high = curve.x.length - 1; low <= high; ) {
    const middle = (low + high) >>> 1;
    const x = curve.x[middle] ?? NaN;
    if (Math.abs(x - second) <= distance) [nearest, distance] = [middle, Math.abs(x - second)];
    if (x < second) low = middle + 1;
    else high = middle - 1;
  }
  return curve.mean[nearest];
}
