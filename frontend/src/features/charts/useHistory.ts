import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call, path } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { Series } from "@/shared/api/types";
import { useStore } from "@/shared/store";
import type { MetricStore } from "./MetricStore";
import type { Axis } from "./curve";

const BUCKETS = 800;
const OVER_TIME_EVERY_MS = 5000;
/** History is shown where live events do not come. */
const LIVE_WITHIN_MS = 1000;

export interface Span {
  axis: Axis;
  from: number | undefined;
  to: number | undefined;
}

/** Loads the history of what is shown into the store, again when the view or the store asks for it. */
export function useHistory(runId: string, store: MetricStore, { axis, from, to }: Span, active: boolean) {
  const wanted = useStore(store.wanted);
  const waited = useWaited(LIVE_WITHIN_MS);
  const query = useQuery({
    queryKey: [...keys.run(runId), "metrics", axis, from ?? null, to ?? null, wanted],
    queryFn: async ({ signal }) => {
      const bound = store.bound(axis);
      const last = to === undefined ? bound : bound === undefined ? to : Math.min(to, bound);
      if (from !== undefined && last !== undefined && from > last) return { series: [], bound };
      const query = { x: axis, from, to: last, buckets: BUCKETS };
      const { series } = await call<{ series: Series[] }>("GET", path`/api/v1/runs/${runId}/metrics`, { query, signal });
      return { series, bound };
    },
    // The live events say when to begin, so that history and live points join without asking twice.
    enabled: wanted > 0 || waited,
    // Live points keep it fresh from here on.
    staleTime: Infinity,
    gcTime: 0,
    refetchInterval: axis === "time" && active ? OVER_TIME_EVERY_MS : false,
  });
  const { data } = query;
  useEffect(() => {
    if (data) store.setHistory(data.series, axis, data.bound);
  }, [data, store, axis]);
  return query;
}

function useWaited(milliseconds: number): boolean {
  const [waited, setWaited] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWaited(true), milliseconds);
    return () => clearTimeout(timer);
  }, [milliseconds]);
  return waited;
}
