import { indexFrom, type Axis, type Buckets } from "./curve";

/** With the history before them, a curve has at most about 2,000. */
const MOST = 1200;

/** The points of one metric that came live, in rising steps. When they become many, neighbours are joined, so that spikes stay in min and max. */
export class LiveCurve {
  readonly steps: number[] = [];
  readonly tokens: number[] = [];
  readonly min: number[] = [];
  readonly max: number[] = [];
  readonly mean: number[] = [];
  readonly last: number[] = [];
  readonly count: number[] = [];
  readonly nan: number[] = [];
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

  /** A later attempt begins at `step`: what an earlier one said from there on no longer counts. */
  cutFrom(step: number): void {
    const index = indexFrom(this.steps, step);
    for (const column of [this.steps, this.tokens, this.min, this.max, this.mean, this.last, this.count, this.nan]) column.length = index;
    this.lastStep = Math.min(this.lastStep, step - 1);
  }

  as(axis: Axis): Buckets {
    return { x: axis === "tokens" ? this.tokens : this.steps, min: this.min, max: this.max, mean: this.mean, last: this.last, count: this.count, nan: this.nan };
  }

  private halve(): void {
    const pairs = Math.floor(this.steps.length / 2);
    for (let pair = 0; pair < pairs; pair += 1) this.join(2 * pair, pair);
    if (this.steps.length % 2) this.join(this.steps.length - 1, pairs);
    const length = Math.ceil(this.steps.length / 2);
    for (const column of [this.steps, this.tokens, this.min, this.max, this.mean, this.last, this.count, this.nan]) column.length = length;
  }

  /** Buckets `from` and the one behind it become bucket `to`. */
  private join(from: number, to: number): void {
    const at = (column: number[], index: number) => column[index] ?? NaN;
    const alone = from + 1 >= this.steps.length;
    const [a, b] = [from, alone ? from : from + 1];
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
