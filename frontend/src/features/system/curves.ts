import type { WorkerMetrics } from "@/shared/api/types";
import { curveOf, emptyCurve, nearestIndex, type Curve } from "@/shared/curve";
import type { Sample } from "@/shared/workers/SampleStore";

/** By name, in seconds since 1970: what the history has, and behind its newest second what came live. */
export function curvesOf(history: WorkerMetrics | undefined, live: readonly Sample[]): Map<string, Curve> {
  const curves = new Map<string, Curve>();
  for (const series of history?.series ?? []) curves.set(series.name, curveOf(series));
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

/** The value at the bucket nearest to a second, no further away than `reach` seconds; the newest without a second. */
export function valueAt({ x, mean, last }: Curve, second: number | null, reach: number): number | undefined {
  if (second === null) return last.at(-1);
  const nearest = nearestIndex(x, second);
  return Math.abs((x[nearest] ?? Infinity) - second) <= reach ? mean[nearest] : undefined;
}
