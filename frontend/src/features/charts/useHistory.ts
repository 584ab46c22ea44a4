import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { askMetrics, whileItGrows } from "@/shared/api/metrics";
import { keys } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { useStore } from "@/shared/store";
import type { MetricStore } from "./MetricStore";
import { axisOfHistory, type Axis, type ViewAxis } from "./curve";
import { isBehind } from "./question";

const BUCKETS = 800;
/** Of many runs on one chart each gets fewer. */
const BUCKETS_OF_ALL = 6000;
const OVER_TIME_EVERY_MS = 5000;
/** History is written in batches. */
const BEHIND_EVERY_MS = 800;
/** History is shown where live events do not come. */
const LIVE_WITHIN_MS = 1000;

export interface Span {
  axis: Axis;
  from: number | undefined;
  to: number | undefined;
}

export function bucketsEach(runs: number): number {
  return Math.min(BUCKETS, Math.floor(BUCKETS_OF_ALL / Math.max(runs, 1)));
}

/** What history is asked for so that the charts show what they are to: it knows no FLOPs, but tokens; all of them where nobody knows what one costs. */
export function historySpan({ axis, from, to }: { axis: ViewAxis; from: number | undefined; to: number | undefined }, flopsPerToken: number | null): Span {
  if (axis !== "flops") return { axis, from, to };
  const tokens = (flops: number | undefined) => (flops === undefined || flopsPerToken === null ? undefined : flops / flopsPerToken);
  return { axis: axisOfHistory(axis), from: tokens(from), to: tokens(to) };
}

/** What there is to know of a run's history in a span: what was asked, and what was answered. */
export function historyQuery(run: Run, store: MetricStore, { axis, from, to }: Span, buckets: number, wanted: number) {
  const grows = whileItGrows(run, OVER_TIME_EVERY_MS);
  return queryOptions({
    queryKey: [...keys.run(run.id), "metrics", axis, from ?? null, to ?? null, buckets, wanted],
    queryFn: async ({ signal }) => {
      const question = store.ask(axis, to);
      const allLive = from !== undefined && question.to !== undefined && from > question.to;
      if (allLive) return { question: { ...question, base: null }, series: [], reached: null, ended: false };
      const answer = await askMetrics(run, { x: axis, from, to: question.to, buckets }, signal);
      return { question, ...answer };
    },
    // Live points keep it fresh from here on.
    staleTime: Infinity,
    gcTime: 0,
    // The store knows its own question again.
    structuralSharing: false,
    // Over time there are no live points.
    refetchInterval: (query) => {
      const { data, status } = query.state;
      if (status === "error" || axis === "time") return grows(query);
      return data && isBehind(data.question, data.reached) ? BEHIND_EVERY_MS : false;
    },
  });
}

/** Loads the history of what is shown into the store, again when the view or the store asks for it. */
export function useHistory(run: Run, store: MetricStore, span: Span, buckets = BUCKETS) {
  const wanted = useStore(store.wanted);
  const waited = useWaited(LIVE_WITHIN_MS);
  // The live events say when to begin, so that history and live points join without asking twice.
  const query = useQuery({ ...historyQuery(run, store, span, buckets, wanted), enabled: wanted > 0 || waited });
  const { data } = query;
  useEffect(() => {
    if (data) store.setHistory(data.question, data.series, data.reached);
  }, [data, store]);
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
