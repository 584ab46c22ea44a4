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
    let newest = this.latest?.second ?? -Infinity;
    const rising: Sample[] = [];
    for (const { at, event } of items) {
      const second = Math.floor(at);
      if (event.type !== "HostSampled" || second <= newest) continue;
      rising.push({ second, metrics: event.metrics, gpus: event.gpus ?? [] });
      newest = second;
    }
    if (rising.length === 0) return;
    this.heardAt = nowMs;
    this.samples.set([...this.samples.get(), ...rising].slice(-this.kept));
  }

  /** What the history has of the seconds that are not here: those before, and those that were missed in between. */
  addHistory({ series }: WorkerMetrics): void {
    const held = new Set(this.samples.get().map(({ second }) => second));
    const found = new Map<number, Record<string, number>>();
    for (const { name, x, last } of series) {
      x.forEach((second, index) => {
        const value = last[index];
        if (held.has(second) || value === null || value === undefined) return;
        const metrics = found.get(second) ?? {};
        metrics[name] = value;
        found.set(second, metrics);
      });
    }
    if (found.size === 0) return;
    this.heardAt ??= Math.max(...found.keys()) * 1000;
    const filled = [...found].map(([second, metrics]): Sample => ({ second, metrics, gpus: [] }));
    this.samples.set([...filled, ...this.samples.get()].sort((one, other) => one.second - other.second).slice(-this.kept));
  }
}
