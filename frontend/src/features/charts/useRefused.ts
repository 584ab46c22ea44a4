import { useQuery } from "@tanstack/react-query";
import { askMetrics, whileItGrows } from "@/shared/api/metrics";
import { keys } from "@/shared/api/queries";
import type { MetricsAnswer, Run } from "@/shared/api/types";

const EVERY_MS = 10_000;
/** Metrics are separated by commas; of none no points are read. */
const OF_NO_METRIC = { names: ",", buckets: 1 };

/** What the history did not take of the run's points. On its own, since live points let the history rest; null: it took all. */
export function useRefused(run: Run): MetricsAnswer["refused"] {
  const { data } = useQuery({
    queryKey: [...keys.run(run.id), "refused"],
    queryFn: ({ signal }) => askMetrics(run, OF_NO_METRIC, signal),
    select: ({ refused }) => refused,
    refetchInterval: whileItGrows(run, EVERY_MS),
  });
  return data ?? null;
}
