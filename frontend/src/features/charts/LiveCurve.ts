import { indexFrom } from "@/shared/curve";
import type { Axis, Buckets } from "./curve";

/** With the history before them, a curve has at most about 2,000. */
const MOST = 1200;
/** Of the newest points so many are never joined, so that history can take over at any of them. */
export const RAW = 300;

/**
 * The points of one metric that came live, in rising steps. When they become many, neighbours are joined, so that spikes stay in min and max;
 * but none from before the step `held` with one behind it.
 */
export class LiveCurve {
  readonly steps: number[] = [];
  readonly tokens: number[] = [];
  readonly min: number[] = [];
  readonly max: number[] = [];
  readonly mean: number[] = [];
  readonly last: number[] = [];
  readonly count: number[] = [];
  readonly nan: number[] = [];
  held = -1;
  private lastStep = -1;

  /** A step that is there already is left alone. */
  add(step: number, tokens: number, value: number): void {
    if (step <= this.lastStep) return;
    const finite = Number.isFinite(value) ? value : NaN;
    this.lastStep = step;
    this.steps.push(step);
    this.tokens.push(tokens);
    this.min.push(finite);
    this.max.push(finite);
    this.mean.push(finite);
    this.last.push(finite);
    this.count.push(1);
    this.nan.push(Number.isFinite(value) ? 0 : 1);
    if (this.steps.length > MOST) this.halve();
  }

  get isJoined(): boolean {
    return this.count.some((count) => count > 1);
  }

  /** A later attempt begins at `step`: what an earlier one said from there on no longer counts. */
  cutFrom(step: number): void {
    const index = indexFrom(this.steps, step);
    for (const column of this.columns) column.length = index;
    this.lastStep = Math.min(this.lastStep, step - 1);
  }

  /** History has what was before `step`. */
  cutBefore(step: number): void {
    const index = indexFrom(this.steps, step);
    for (const column of this.columns) column.splice(0, index);
  }

  as(axis: Axis): Buckets {
    return { x: axis === "tokens" ? this.tokens : this.steps, min: this.min, max: this.max, mean: this.mean, last: this.last, count: this.count, nan: this.nan };
  }

  private get columns(): number[][] {
    return [this.steps, this.tokens, this.min, this.max, this.mean, this.last, this.count, this.nan];
  }

  private halve(): void {
    const raw = this.steps.length - RAW;
    const border = Math.min(indexFrom(this.steps, this.held), raw);
    let to = 0;
    for (let from = 0; from < border; from += 2) this.join(from, Math.min(from + 1, border - 1), to++);
    for (let from = border; from < raw; from += 2) this.join(from, Math.min(from + 1, raw - 1), to++);
    for (const column of this.columns) {
      column.copyWithin(to, raw);
      column.length = to + RAW;
    }
  }

  /** Buckets `a` and `b`, its neighbour or itself, become bucket `to`. */
  private join(a: number, b: number, to: number): void {
    const at = (column: number[], index: number) => column[index] ?? NaN;
    const alone = a === b;
    const goodA = at(this.count, a) - at(this.nan, a);
    const goodB = at(this.count, b) - at(this.nan, b);
    this.steps[to] = at(this.steps, a);
    this.tokens[to] = at(this.tokens, a);
    this.min[to] = either(Math.min, at(this.min, a), at(this.min, b));
    this.max[to] = either(Math.max, at(this.max, a), at(this.max, b));
    const weigh = (left: number, right: number) => (left * goodA + right * goodB) / (goodA + goodB);
    this.mean[to] = alone ? at(this.mean, a) : either(weigh, at(this.mean, a), at(this.mean, b));
    this.last[to] = at(this.last, b);
    this.count[to] = at(this.count, a) + (alone ? 0 : at(this.count, b));
    this.nan[to] = at(this.nan, a) + (alone ? 0 : at(this.nan, b));
  }
}

/** `of` both, or the one that is a number. */
function either(of: (left: number, right: number) => number, left: number, right: number): number {
  if (Number.isNaN(left)) return right;
  return Number.isNaN(right) ? left : of(left, right);
}
