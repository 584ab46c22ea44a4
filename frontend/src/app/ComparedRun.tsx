import type { MetricStore } from "@/features/charts/MetricStore";
import type { ViewWishes } from "@/features/charts/address";
import { historySpan, useHistory } from "@/features/charts/useHistory";
import type { Run } from "@/shared/api/types";
import { ErrorBanner } from "@/shared/ui/Notice";
import { useRunNews } from "./useRunNews";

interface Props {
  run: Run;
  store: MetricStore;
  asked: ViewWishes;
  flopsPerToken: number | null;
  buckets: number;
}

/** Brings the curves of one run of a comparison, history and live; to be seen only where that fails. */
export function ComparedRun({ run, store, asked, flopsPerToken, buckets }: Props) {
  useRunNews(run.id, store);
  const history = useHistory(run, store, historySpan(asked, flopsPerToken), buckets);
  return history.isError ? <ErrorBanner error={history.error} /> : null;
}
