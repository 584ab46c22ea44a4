import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { call, path } from "@/shared/api/client";
import { AFTER_FAILURE_MS } from "@/shared/api/metrics";
import { keys } from "@/shared/api/queries";
import type { MetricsAnswer, Run, Series } from "@/shared/api/types";
import { emptyBuckets, fromSeries, type Axis, type Buckets, type CurveSource } from "./curve";
import type { Span } from "./useHistory";

/** An attempt that another one took over from. What it did is history, so nothing changes. */
export interface EarlierAttempt {
  attempt: number;
  source: CurveSource;
}

/** Of series with one per name and attempt, all attempts but the newest. */
export function earlierOf(series: readonly Series[], axis: Axis): EarlierAttempt[] {
  const newest = Math.max(...series.map(({ attempt }) => attempt));
  const attempts = Map.groupBy(series.filter(({ attempt }) => attempt < newest), ({ attempt }) => attempt);
  return [...attempts].sort(([a], [b]) => a - b).map(([attempt, own]) => ({ attempt, source: still(own, axis) }));
}

function still(series: readonly Series[], over: Axis): CurveSource {
  const curves = new Map<string, Buckets>(series.map((one) => [one.name, fromSeries(one)]));
  return { curve: (name, axis) => (axis === over ? curves.get(name) : undefined) ?? emptyBuckets(), subscribe: () => () => undefined };
}

export interface Earlier {
  of: (id: string) => readonly EarlierAttempt[];
  /** Why those of some run could not be had; null: they are here or on their way. */
  error: Error | null;
}

const NONE: readonly EarlierAttempt[] = [];

/** The earlier attempts of runs, by run; asked for only where somebody wants to see them and there are any. */
export function useEarlier(runs: readonly Run[], wanted: boolean, spanOf: (run: Run) => Span, buckets: number): Earlier {
  const asked = wanted ? runs.filter(({ attempts }) => attempts.length > 1) : [];
  const { found, error } = useQueries({
    queries: asked.map((run) => {
      const { axis, from, to } = spanOf(run);
      return {
        queryKey: [...keys.run(run.id), "earlier", axis, from ?? null, to ?? null, buckets, run.attempts.length],
        queryFn: async ({ signal }: { signal: AbortSignal }) => {
          const query = { x: axis, from, to, buckets, attempts: "all" };
          return earlierOf((await call<MetricsAnswer>("GET", path`/api/v1/runs/${run.id}/metrics`, { query, signal })).series, axis);
        },
        staleTime: Infinity,
        structuralSharing: false,
        refetchInterval: ({ state }: { state: { status: string } }) => (state.status === "error" ? AFTER_FAILURE_MS : (false as const)),
      };
    }),
    combine: (results) => ({ found: results.map(({ data }) => data ?? NONE), error: results.find((one) => one.error)?.error ?? null }),
  });
  const ids = asked.map(({ id }) => id).join();
  return useMemo(() => {
    const byRun = new Map(ids.split(",").map((id, index) => [id, found[index] ?? NONE]));
    return { of: (id: string) => byRun.get(id) ?? NONE, error };
  }, [ids, found, error]);
}
