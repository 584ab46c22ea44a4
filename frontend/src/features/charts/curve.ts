import type { Series } from "@/shared/api/types";
import { curveOf, emptyCurve, indexFrom, nearestIndex, type Curve } from "@/shared/curve";

/** What history is kept over. */
export type Axis = "step" | "tokens" | "time";
/** What charts are drawn over; FLOPs are tokens times what a token costs. */
export type ViewAxis = Axis | "flops";

/** Of a metric; `nan`: how many of a bucket's values were not finite. */
export interface Buckets extends Curve {
  nan: number[];
}

/** Whoever has curves by metric name, and tells when one changes. */
export interface CurveSource {
  /** Only what there is over `axis`. */
  curve(name: string, axis: Axis): Buckets;
  /** Returns how to leave. `asked`: it is what was asked for, and no live point. */
  subscribe(name: string, listener: (asked: boolean) => void): () => void;
}

export function emptyBuckets(): Buckets {
  return { ...emptyCurve(), nan: [] };
}

export function fromSeries(series: Series): Buckets {
  return { ...curveOf(series), nan: series.nan };
}

/** What history has where charts are drawn over `axis`. */
export function axisOfHistory(axis: ViewAxis): Axis {
  return axis === "flops" ? "tokens" : axis;
}

/** The same over another axis, which is `factor` times this one. */
export function stretched(curve: Buckets, factor: number): Buckets {
  return factor === 1 ? curve : { ...curve, x: curve.x.map((x) => x * factor) };
}

/** First index whose x is more than `x`. */
function indexBehind(xs: readonly number[], x: number): number {
  const index = indexFrom(xs, x);
  return xs[index] === x ? index + 1 : index;
}

/** The bucket that holds `x`; null where the curve has not begun or is over. */
export function bucketAt({ x: xs }: Buckets, x: number): number | null {
  const last = xs.length - 1;
  const width = last > 0 ? ((xs[last] ?? 0) - (xs[0] ?? 0)) / last : 1;
  if (last < 0 || x < (xs[0] ?? 0) - width || x > (xs[last] ?? 0) + width) return null;
  return nearestIndex(xs, x);
}

/** The buckets of `curve` that begin in sight; all of them where no end is given. */
export function within(curve: Buckets, from: number | undefined, to: number | undefined): Buckets {
  if (from === undefined && to === undefined) return curve;
  const [first, end] = [from === undefined ? 0 : indexFrom(curve.x, from), to === undefined ? curve.x.length : indexBehind(curve.x, to)];
  const seen = emptyBuckets();
  for (const column of COLUMNS) seen[column] = curve[column].slice(first, end);
  return seen;
}

/** Its newest and its smallest and largest finite value. */
export function extremes({ last, min, max }: Buckets): { newest: number; least: number; most: number } {
  const finite = last.findLast(Number.isFinite);
  let [least, most] = [Infinity, -Infinity];
  for (let index = 0; index < min.length; index += 1) {
    const [low, high] = [min[index] ?? NaN, max[index] ?? NaN];
    if (low < least) least = low;
    if (high > most) most = high;
  }
  return { newest: finite ?? NaN, least: least === Infinity ? NaN : least, most: most === -Infinity ? NaN : most };
}

const COLUMNS = ["x", "min", "max", "mean", "last", "count", "nan"] as const;

/** The first `until` buckets of `before`, and behind them those of `after`. */
export function joined(before: Buckets, until: number, after: Buckets): Buckets {
  const result = emptyBuckets();
  for (const column of COLUMNS) result[column] = before[column].slice(0, until).concat(after[column]);
  return result;
}
