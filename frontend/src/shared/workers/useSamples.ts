import { useEffect, useState } from "react";
import { call, path } from "../api/client";
import type { WorkerMetrics } from "../api/types";
import { live } from "../live/connection";
import { SampleStore } from "./SampleStore";

/**
 * The newest samples of a worker, live while `active`: one that nobody sees takes no subscription.
 *
 * history: the names that are asked of the history too, so that what is shown does not begin empty. onHistory: told whenever what was before is
 * to be had from history; it must stay the same function.
 */
export function useSamples(worker: string, kept: number, active = true, history?: string, onHistory?: () => void): SampleStore {
  const [store] = useState(() => new SampleStore(kept));
  useEffect(() => {
    if (!active) return undefined;
    const questions = new AbortController();
    const leave = live.subscribe(`worker.${worker}`, {
      onEvents: (items) => store.add(items, Date.now()),
      onHistory: () => {
        onHistory?.();
        if (history !== undefined) void loadHistory(worker, store, history, questions.signal);
      },
    });
    return () => {
      leave();
      questions.abort();
    };
  }, [worker, active, history, onHistory, store]);
  return store;
}

/** From its newest second back, whenever that was. What cannot be had is left out: live samples come anyway. */
async function loadHistory(worker: string, store: SampleStore, names: string, signal: AbortSignal): Promise<void> {
  const ask = (query: { from: number; to: number }) => call<WorkerMetrics>("GET", path`/api/v1/workers/${worker}/metrics`, { query: { ...query, names, buckets: 600 }, signal });
  try {
    const { newest } = await ask({ from: 0, to: 0 });
    if (newest !== null) store.addHistory(await ask({ from: newest - 150, to: newest }));
  } catch (error) {
    if (!signal.aborted) console.warn(`no history of ${worker}:`, error);
  }
}
