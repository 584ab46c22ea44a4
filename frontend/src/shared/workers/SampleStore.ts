import type { Envelope, WorkerMetrics } from "../api/types";
import { Store } from "../store";

/** What a worker's host did in one second. `gpus`: UUIDs by index; unknown of what the history has. */
export interface Sample {
  second: number;
  metrics: Readonly<Record<string, number>>;
  gpus: readonly string[];
}

/** The newest samples of one worker, in rising seconds and each second once. No React. */
export class SampleStore {
  /** Replaced by a new array with every change. */
  readonly samples = new Store<readonly Sample[]>([]);
  /** By our clock, which may differ from the worker's: when the newest was heard of, in milliseconds; null before. */
  heardAt: number | null = null;

  constructor(private readonly kept: number) {}

  get latest(): Sample | undefined {
    return this.samples.get().at(-1);
  }

  add(items: readonly Envelope[], nowMs: number): void {
    const last = this.latest?.second ?? -Infinity;
    const fresh = items.flatMap(({ at, event }) => (event.type === "HostSampled" ? [{ second: Math.floor(at), metrics: event.metrics, gpus: event.gpus ?? [] }] : []));
    const rising = fresh.filter(({ second }, index) => second > Math.max(last, fresh[index - 1]?.second ?? -Infinity));
    if (rising.length === 0) return;
    this.heardAt = nowMs;
    this.samples.set([...this.samples.get(), ...rising].slice(-this.kept));
  }

  /** What the history has of the seconds before those that are here. */
  addHistory({ series }: WorkerMetrics): void {
    const first = this.samples.get()[0]?.second ?? Infinity;
    const found = new Map<number, Record<string, number>>();
    for (const { name, x, last } of series) {
      x.forEach((second, index) => {
        const value = last[index];
        if (second >= first || value === null || value === undefined) return;
        const metrics = found.get(second) ?? {};
        metrics[name] = value;
        found.set(second, metrics);
      });
    }
    const before = [...found].sort(([one], [other]) => one - other).map(([second, metrics]) => ({ second, metrics, gpus: [] }));
    if (before.length === 0) return;
    this.heardAt ??= (before.at(-1)?.second ?? 0) * 1000;
    this.samples.set([...before, ...this.samples.get()].slice(-this.kept));
  }
}
