import type { Series } from "@/shared/api/types";
import { indexFrom } from "@/shared/curve";
import type { Point } from "@/shared/live/applyEvent";
import { Store } from "@/shared/store";
import { emptyBuckets, fromSeries, joined, type Axis, type Buckets } from "./curve";
import { LiveCurve, RAW } from "./LiveCurve";
import { covers, isBehind, xOf, type Place, type Question, type Reached } from "./question";

/** Before that many of the newest points history takes over: those before them it has most likely written. */
const TAKES_OVER = RAW - 100;

/**
 * The curves of one run: history in buckets, and behind it the live points, each step once.
 *
 * Live points are complete from the first on, so history counts before it only. Where they have become so many that they were joined,
 * whoever asks history asks it to take over up to the newest few. Where a later attempt takes a step again, it wins.
 */
export class MetricStore {
  /** Names of all metrics, sorted; a new array when there is a new one. */
  readonly names = new Store<readonly string[]>([]);
  /** Goes up whenever history is to be loaded anew. */
  readonly wanted = new Store(0);
  /** History was answered at least once. */
  readonly loaded = new Store(false);
  private history = new Map<string, Buckets>();
  /** Its last bucket may hold points up to here. */
  private historyTo = -Infinity;
  private readonly live = new Map<string, LiveCurve>();
  private readonly listeners = new Map<string, Set<(asked: boolean) => void>>();
  private first: Place | null = null;
  private newest: Place | null = null;
  /** Where history was asked to take over, and has not yet. */
  private base: Place | null = null;
  private attempt = 0;
  private axis: Axis = "step";

  /** What to ask history for, to see everything up to `to`: what comes after is here already. */
  ask(axis: Axis, to?: number): Question {
    if (axis !== "time") this.base ??= this.findBase();
    const place = this.base ?? this.first;
    const bound = place ? (xOf(place, axis) ?? Infinity) - 1 : Infinity;
    const last = Math.min(to ?? Infinity, bound);
    return { axis, to: last === Infinity ? undefined : last, base: axis === "time" ? null : this.base };
  }

  /** `reached`: how far history was written when it answered. */
  setHistory(question: Question, series: readonly Series[], reached: Reached): void {
    const { axis, to, base } = question;
    this.axis = axis;
    this.history = new Map(series.map((one) => [one.name, fromSeries(one)]));
    // Where it is behind it is asked again anyhow.
    this.historyTo = axis === "time" || isBehind(question, reached) ? -Infinity : (to ?? Infinity);
    if (base !== null && base === this.base && covers(reached, base)) this.moveTo(base);
    this.checkOverlap();
    this.addNames(this.history.keys());
    this.loaded.set(true);
    this.allChanged();
  }

  add({ evaluation, attempt, step, tokens, metrics }: Point): void {
    if (attempt < this.attempt) return;
    if (!evaluation) this.take({ attempt, step, tokens });
    for (const [name, value] of Object.entries(metrics)) {
      this.liveCurve(name).add(step, tokens, value);
      this.changed(name, false);
    }
  }

  /** Events were missed: keep what is shown until history is loaded again, and start over behind it, maybe in an earlier attempt. */
  forget(): void {
    this.history = this.shown();
    this.startOver(null);
    this.attempt = 0;
    this.want();
  }

  /**
   * History before the first live point, as far as it was loaded over `axis`, then the live points. Over time there is history only, as the run's
   * clock is not known here.
   */
  curve(name: string, axis: Axis): Buckets {
    const history = (axis === this.axis ? this.history.get(name) : undefined) ?? emptyBuckets();
    const live = (axis === "time" ? undefined : this.live.get(name)?.as(axis)) ?? emptyBuckets();
    const from = Math.min((this.first && xOf(this.first, axis)) ?? Infinity, live.x[0] ?? Infinity);
    return joined(history, indexFrom(history.x, from), live);
  }

  subscribe(name: string, listener: (asked: boolean) => void): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  private get firstX(): number | undefined {
    return this.first ? xOf(this.first, this.axis) : undefined;
  }

  private shown(): Map<string, Buckets> {
    return new Map(this.names.get().map((name) => [name, this.curve(name, this.axis)]));
  }

  private take(place: Place): void {
    if (place.attempt > this.attempt) this.begin(place);
    if (!this.first) {
      this.first = place;
      this.checkOverlap();
    }
    if (!this.newest || place.step > this.newest.step) this.newest = place;
  }

  private begin(place: Place): void {
    this.attempt = place.attempt;
    if (this.newest && place.step <= this.newest.step) return this.retake(place);
    for (const curve of this.live.values()) curve.cutFrom(place.step);
  }

  /**
   * A later attempt takes steps again. What is shown before them is history now, loaded again where it is too coarse to be cut there; whoever
   * loads it does so until it was written that far.
   */
  private retake(place: Place): void {
    this.history = this.shown();
    this.startOver(place);
    this.base = place;
    const x = this.firstX;
    if (x !== undefined) {
      for (const [name, curve] of this.history) this.history.set(name, joined(curve, indexFrom(curve.x, x), emptyBuckets()));
      if (this.endsInMany(Infinity)) this.want();
    }
    this.allChanged();
  }

  private startOver(first: Place | null): void {
    this.live.clear();
    this.first = this.newest = first;
    this.base = null;
    this.historyTo = -Infinity;
  }

  /** Null where all live points are here one by one. */
  private findBase(): Place | null {
    const curves = [...this.live.values()];
    if (!curves.some(({ isJoined }) => isJoined)) return null;
    const longest = curves.reduce((one, other) => (other.steps.length > one.steps.length ? other : one));
    const index = longest.steps.length - TAKES_OVER;
    const step = longest.steps[index] ?? 0;
    for (const curve of curves) curve.held = step;
    return { attempt: this.attempt, step, tokens: longest.tokens[index] ?? 0 };
  }

  private moveTo(base: Place): void {
    this.first = base;
    this.base = null;
    for (const curve of this.live.values()) curve.cutBefore(base.step);
  }

  /** History that was asked for further than to the first live point may have it hidden in a bucket: load it again, up to there. */
  private checkOverlap(): void {
    const x = this.firstX;
    if (x === undefined || this.historyTo < x || !this.endsInMany(x)) return;
    this.historyTo = -Infinity;
    this.want();
  }

  /** Whether the last bucket before `x` may hold points behind `x` too. */
  private endsInMany(x: number): boolean {
    return [...this.history.values()].some((curve) => (curve.count[indexFrom(curve.x, x) - 1] ?? 1) > 1);
  }

  private want(): void {
    this.wanted.set(this.wanted.get() + 1);
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

  private allChanged(): void {
    for (const name of this.names.get()) this.changed(name, true);
  }

  private changed(name: string, asked: boolean): void {
    for (const listener of this.listeners.get(name) ?? []) listener(asked);
  }
}
