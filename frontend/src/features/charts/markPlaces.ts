import type { Series } from "@/shared/api/types";
import { indexFrom } from "@/shared/curve";
import type { Mark } from "./marks";

/** A curve over some axis: where the first point of each bucket is, and how many points are in it. */
type Counted = Pick<Series, "x" | "count">;

/**
 * From a run's steps to another axis, by the same curve over both: what its n-th point has as its step there, it has as its x here.
 * Between the buckets' first points it is interpolated, and behind the last one it goes on as before it.
 */
export function stepsTo(overSteps: Counted, overAxis: Counted): (step: number) => number {
  const [ofStep, ofAxis] = [firsts(overSteps), firsts(overAxis)];
  return (step) => between(ofAxis, overAxis.x, between(overSteps.x, ofStep, step));
}

export function placed(marks: readonly Mark[], xOf: (step: number) => number): Mark[] {
  return marks.map((mark) => ({ ...mark, x: xOf(mark.step) }));
}

/** The number of each bucket's first point. */
function firsts({ count }: Counted): number[] {
  let before = 0;
  return count.map((points) => {
    before += points;
    return before - points;
  });
}

/** At `x` of the line through the points (xs, ys); both rise. */
function between(xs: readonly number[], ys: readonly number[], x: number): number {
  const right = Math.min(Math.max(indexFrom(xs, x), 1), xs.length - 1);
  const [x0, x1] = [xs[right - 1] ?? 0, xs[right] ?? 0];
  const [y0, y1] = [ys[right - 1] ?? 0, ys[right] ?? 0];
  const share = x1 > x0 ? Math.max((x - x0) / (x1 - x0), 0) : 0;
  return y0 + share * (y1 - y0);
}

/** So near to a mark, a finger or a pointer means it. */
const REACH_PIXELS = 9;

/** The marks that a click at a pixel means: of the nearest place, all. */
export function marksAt(marks: readonly Mark[], pixel: number, pixelOf: (x: number) => number): Mark[] {
  const far = (mark: Mark) => Math.abs(pixelOf(mark.x) - pixel);
  const nearest = Math.min(...marks.map(far));
  if (nearest > REACH_PIXELS) return [];
  const chosen = marks.find((mark) => far(mark) === nearest);
  return marks.filter((mark) => chosen && Math.abs(pixelOf(mark.x) - pixelOf(chosen.x)) < 2);
}

/** The next place with a mark in sight, to the right (1) or the left (-1) of `from`; without `from`, the first or the last. */
export function markBeside(marks: readonly Mark[], from: number | null, direction: 1 | -1, [low, high]: readonly [number, number]): Mark | undefined {
  const seen = marks.filter(({ x }) => x >= low && x <= high && (from === null || (x - from) * direction > 0));
  return direction === 1 ? seen[0] : seen.at(-1);
}
