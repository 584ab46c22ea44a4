import type { Attempt } from "@/shared/api/types";

/** A worker, and when attempts of the run were on it, in seconds since 1970. `ended`: null while one still is. */
export interface RunHost {
  worker: string;
  attempts: number[];
  started: number;
  ended: number | null;
}

/** In the order in which they were first used. What never began is left out. */
export function hostsOf(attempts: readonly Attempt[]): RunHost[] {
  const hosts = new Map<string, RunHost>();
  for (const { worker, attempt, started_at, ended_at } of attempts) {
    if (started_at === null) continue;
    const started = Date.parse(started_at) / 1000;
    const ended = ended_at === null ? null : Date.parse(ended_at) / 1000;
    const known = hosts.get(worker);
    if (!known) hosts.set(worker, { worker, attempts: [attempt], started, ended });
    else Object.assign(known, { attempts: [...known.attempts, attempt], ended });
  }
  return [...hosts.values()];
}
