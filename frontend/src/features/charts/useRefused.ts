import { useQuery } from "@tanstack/react-query";
import { call, path } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { MetricsAnswer } from "@/shared/api/types";

const EVERY_MS = 10_000;
/** Metrics are separated by commas; of none no points are read. */
const OF_NO_METRIC = { names: ",", buckets: 1 };

/** What the history did not take of the run's points. On its own, since live points let the history rest; null: it took all. */
export function useRefused(runId: string, active: boolean): MetricsAnswer["refused"] {
  const { data } = useQuery({
    queryKey: [...keys.run(runId), "refused"],
    queryFn: ({ signal }) => call<MetricsAnswer>("GET", path`/api/v1/runs/${runId}/metrics`, { query: OF_NO_METRIC, signal }),
    select: ({ refused }) => refused,
    refetchInterval: active ? EVERY_MS : false,
  });
  return data ?? null;
}
