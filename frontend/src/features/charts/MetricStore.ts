import type { Series } from "@/shared/api/types";
import type { Point } from "@/shared/live/applyEvent";
import { Store } from "@/shared/store";
import { emptyBuckets, fromSeries, indexFrom, joined, type Axis, type Buckets } from "./curve";
import { LiveCurve } from "./LiveCurve";

/**
 * The curves of one run: history in buckets, and behind it the live points, each step once.
 *
 * Live points are complete from the first on, so history counts before it only. Where a later attempt takes a step again, it wins.
 */
export class MetricStore {
  /** Names of all metrics, sorted; a new array when there is a new one. */
  readonly names = new Store<readonly string[]>([]);
  /** Goes up whenever history is to be loaded anew. */
  readonly wanted = new Store(0);
  private history = new Map<string, Buckets>();
  private readonly live = new Map<string, LiveCurve>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private first: { step: number; tokens: number } | null = null;
  private attempt = 0;
  private axis: Axis = "step";
  private unbounded = false;

  /** Largest x that history is asked for: what comes after it is here already. */
  bound(axis: Axis): number | undefined {
    const first = this.firstX(axis);
    return first === undefined ? undefined : first - 1;
  }

  add({ evaluation, attempt, step, tokens, metrics }: Point): void {
    if (attempt < this.attempt) return;
    if (!evaluation && attempt > this.attempt) this.begin(attempt, step);
    if (!evaluation && (!this.first || step < this.first.step)) this.begins(step, tokens);
    for (const [name, value] of Object.entries(metrics)) {
      this.liveCurve(name).add(step, tokens, value);
      this.changed(name);
    }
  }

  /** Events were missed: keep what is shown until history is loaded again, and start over behind it. */
  forget(): void {
    const shown = new Map([...this.names.get()].map((name) => [name, this.curve(name)]));
    this.history = shown;
    this.live.clear();
    this.first = null;
    this.wanted.set(this.wanted.get() + 1);
  }

  /** `bound`: what was asked for with `bound(axis)`. */
  setHistory(series: readonly Series[], axis: Axis, bound: number | undefined): void {
    this.axis = axis;
    this.history = new Map(series.map((one) => [one.name, fromSeries(one)]));
    this.unbounded = bound === undefined && axis !== "time";
    if (this.first) this.checkOverlap();
    this.addNames(this.history.keys());
    for (const name of this.names.get()) this.changed(name);
  }

  /** History before the first live point, then the live points. Over time there is history only, as the run's clock is not known here. */
  curve(name: string): Buckets {
    const history = this.history.get(name) ?? emptyBuckets();
    const live = (this.axis === "time" ? undefined : this.live.get(name)?.as(this.axis)) ?? emptyBuckets();
    const from = Math.min(this.firstX() ?? Infinity, live.x[0] ?? Infinity);
    return joined(history, indexFrom(history.x, from), live);
  }

  subscribe(name: string, listener: () => void): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  private firstX(axis = this.axis): number | undefined {
    if (axis === "time") return undefined;
    return axis === "tokens" ? this.first?.tokens : this.first?.step;
  }

  private begin(attempt: number, step: number): void {
    this.attempt = attempt;
    for (const curve of this.live.values()) curve.cutFrom(step);
  }

  private begins(step: number, tokens: number): void {
    this.first = { step, tokens };
    this.checkOverlap();
  }

  /** History that was loaded without a bound may hold the first live points too, hidden in its last bucket: load it again, up to them. */
  private checkOverlap(): void {
    if (!this.unbounded) return;
    this.unbounded = false;
    const hidden = [...this.history.values()].some(({ count }) => (count.at(-1) ?? 1) > 1);
    if (hidden) this.wanted.set(this.wanted.get() + 1);
  }

  private liveCurve(name: string): LiveCurve {
    const found = this.live.get(name);
    if (found) return found;
    const created = new LiveCurve();
    this.live.set(name, created);
    this.addNames([name]);
    return created;
  }

  private addNames(names: Iterable<string>): void {
    const known = this.names.get();
    const fresh = [...names].filter((name) => !known.includes(name));
    if (fresh.length > 0) this.names.set([...known, ...fresh].sort());
  }

  private changed(name: string): void {
    for (const listener of this.listeners.get(name) ?? []) listener();
  }
}
