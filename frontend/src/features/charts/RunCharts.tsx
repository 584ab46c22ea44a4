import { useMemo } from "react";
import { ChartNoAxesCombined } from "lucide-react";
import { hasEnded } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { useStore } from "@/shared/store";
import { ErrorBanner, ErrorNotice, Notice } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";
import { ChartGrid } from "./ChartGrid";
import { ChartSkeletons } from "./ChartSkeletons";
import { MarkDialog } from "./MarkDialog";
import type { MetricStore } from "./MetricStore";
import { RefusedPoints } from "./RefusedPoints";
import { WithoutFlops } from "./WithoutFlops";
import type { ViewWishes } from "./address";
import type { ViewAxis } from "./curve";
import { factorOn, linesOf, smoothingUnit, withEarlier, type Line } from "./lines";
import type { Mark } from "./marks";
import type { OnWishes } from "./useChartKeys";
import { useEarlier, type Earlier } from "./useEarlier";
import { bucketsEach, historySpan, useHistory } from "./useHistory";
import { useOpened } from "./useOpened";
import { usePlaced } from "./usePlaced";

interface Props {
  run: Run;
  store: MetricStore;
  /** What is shown. */
  wishes: ViewWishes;
  /** What history is loaded for: the wishes, once they stay as they are for a moment. */
  asked: ViewWishes;
  /** Over steps. */
  marks: readonly Mark[];
  flopsPerToken: number | null;
  /** All that can be known of it is known. */
  reckoned: boolean;
  onChange: OnWishes;
}

/** All metrics of a run. */
export function RunCharts({ run, store, wishes, asked, marks, flopsPerToken, reckoned, onChange }: Props) {
  const names = useStore(store.names);
  const history = useHistory(run, store, historySpan(asked, flopsPerToken));
  const earlier = useEarlier([run], wishes.attempts, () => historySpan(asked, flopsPerToken), bucketsEach(1));
  const lines = useLines(run, store, wishes.axis, earlier, flopsPerToken);
  const placed = usePlaced(run, marks, wishes.axis, flopsPerToken);
  const [opened, open, close] = useOpened();
  if (names.length === 0) {
    if (history.isError) return <ErrorNotice error={history.error} onRetry={() => void history.refetch()} />;
    if (history.isPending) return <ChartSkeletons />;
    return <NoPoints run={run} />;
  }
  return (
    <>
      <ChartGrid
        names={names}
        lines={lines}
        wishes={wishes}
        marks={placed}
        withoutFlops={flopsPerToken === null}
        live={!hasEnded(run)}
        onChange={onChange}
        onOpen={open}
      >
        {history.isError && <ErrorBanner error={history.error} />}
        {earlier.error && <ErrorBanner error={earlier.error} />}
        <RefusedPoints run={run} />
        <WithoutFlops runs={reckoned && factorOn(wishes.axis, flopsPerToken) === null ? [run] : []} />
      </ChartGrid>
      {opened && <MarkDialog runId={run.id} parentId={run.parent_id} {...opened} onClose={close} />}
    </>
  );
}

function NoPoints({ run }: { run: Run }) {
  return (
    <div className="stack">
      <RefusedPoints run={run} />
      <Notice icon={<ChartNoAxesCombined size={28} aria-hidden />} title="No points yet">
        <p>{hasEnded(run) ? `The run ended before its first step. ${run.reason}` : "The curves appear here with the first step."}</p>
      </Notice>
    </div>
  );
}

/** The run's line, and those of its earlier attempts where they are wished. */
function useLines(run: Run, store: MetricStore, axis: ViewAxis, earlier: Earlier, flopsPerToken: number | null): Line[] {
  const unit = smoothingUnit([run], axis, () => flopsPerToken, useNow(60_000));
  const factor = factorOn(axis, flopsPerToken);
  const { id, name } = run;
  return useMemo(() => {
    const own = linesOf({ runs: [{ id, name, factor }], hidden: [], pointed: null, unit }, () => store);
    return withEarlier(own, earlier.of);
  }, [id, name, store, factor, unit, earlier]);
}
