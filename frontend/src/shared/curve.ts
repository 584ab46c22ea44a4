/** Buckets of one quantity in rising x; lists of the same length. A bucket without finite values has NaN in all but `x` and `count`. */
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

/** As JSON has it, which knows no NaN. Its lists may be changed. */
export function curveOf({ x, min, max, mean, last, count }: { [Column in keyof Curve]: readonly (Curve[Column][number] | (Column extends "x" | "count" ? never : null))[] }): Curve {
  return { x: [...x], min: finite(min), max: finite(max), mean: finite(mean), last: finite(last), count: [...count] };
}

function finite(values: readonly (number | null)[]): number[] {
  return values.map((value) => value ?? NaN);
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
