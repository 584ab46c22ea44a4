import type { Series } from "@/shared/api/types";

export type Axis = "step" | "tokens" | "time";

/** Buckets in rising x; arrays of the same length. A bucket without finite values has NaN in min, max and mean. */
export interface Buckets {
  x: number[];
  min: number[];
  max: number[];
  mean: number[];
  last: number[];
  count: number[];
  nan: number[];
}

export function emptyBuckets(): Buckets {
  return { x: [], min: [], max: [], mean: [], last: [], count: [], nan: [] };
}

export function fromSeries({ x, min, max, mean, last, count, nan }: Series): Buckets {
  const finite = (values: (number | null)[]) => values.map((value) => value ?? NaN);
  return { x, min: finite(min), max: finite(max), mean: finite(mean), last: finite(last), count, nan };
}

/** First index whose x is at least `x`. */
export function indexFrom(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((xs[middle] ?? Infinity) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function nearestIndex(xs: readonly number[], x: number): number {
  const behind = indexFrom(xs, x);
  if (behind === 0) return 0;
  if (behind === xs.length) return xs.length - 1;
  return x - (xs[behind - 1] ?? -Infinity) <= (xs[behind] ?? Infinity) - x ? behind - 1 : behind;
}

const COLUMNS = ["x", "min", "max", "mean", "last", "count", "nan"] as const;

/** The first `until` buckets of `before`, and behind them those of `after`. */
export function joined(before: Buckets, until: number, after: Buckets): Buckets {
  const result = emptyBuckets();
  for (const column of COLUMNS) result[column] = before[column].slice(0, until).concat(after[column]);
  return result;
}
