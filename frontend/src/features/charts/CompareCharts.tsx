import { useMemo, useState } from "react";
import { ChartNoAxesCombined } from "lucide-react";
import { hasEnded } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import type { Choice } from "@/shared/choice";
import { runLooks } from "@/shared/runColour";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";
import { ChartGrid } from "./ChartGrid";
import { ChartSkeletons } from "./ChartSkeletons";
import { Legend } from "./Legend";
import { MarkDialog } from "./MarkDialog";
import { NameFilter } from "./NameFilter";
import type { RunStores } from "./RunStores";
import { WithoutFlops } from "./WithoutFlops";
import type { ViewWishes } from "./address";
import { matching } from "./groups";
import { factorOn, linesOf, smoothingUnit, withEarlier, type Line, type Overlaid } from "./lines";
import type { Mark } from "./marks";
import type { OnWishes } from "./useChartKeys";
import { useEarlier, type Earlier } from "./useEarlier";
import { bucketsEach, historySpan } from "./useHistory";
import { useOpened } from "./useOpened";
import { usePlaced } from "./usePlaced";
import { useStores } from "./useStores";

interface Props {
  runs: readonly Run[];
  choice: Choice;
  stores: RunStores;
  wishes: ViewWishes;
  asked: ViewWishes;
  flopsPerToken: (id: string) => number | null;
  /** All that can be known of it is known. */
  reckoned: boolean;
  withoutFlops: boolean;
  /** Which metrics are shown, and whose values the legend tells. */
  names: string;
  metric: string;
  /** The run whose marks are on the charts, and these, over steps. */
  marked: Run | null;
  marks: readonly Mark[];
  onMark: (id: string | null) => void;
  onChange: OnWishes;
  onNames: (names: string) => void;
  onMetric: (name: string) => void;
  onHide: (id: string, hide: boolean) => void;
  onRemove: (id: string) => void;
}

/** Several runs on the same charts, and who is who. */
export function CompareCharts(props: Props) {
  const { runs, choice, stores, wishes, flopsPerToken, onChange } = props;
  const [pointed, setPointed] = useState<string | null>(null);
  const shown = runs.filter(({ id }) => !choice.hidden.includes(id));
  const { names, loaded } = useStores(shown.map(({ id }) => id), stores.of);
  const earlier = useEarlier(shown, wishes.attempts, ({ id }) => historySpan(props.asked, flopsPerToken(id)), bucketsEach(shown.length));
  const lines = useLines(props, earlier, pointed);
  const without = shown.filter(({ id }) => wishes.axis === "flops" && props.reckoned && flopsPerToken(id) === null);
  const placed = usePlaced(props.marked, props.marks, wishes.axis, props.marked && flopsPerToken(props.marked.id));
  const [opened, open, close] = useOpened();
  const looks = useMemo(() => runLooks(choice.runs), [choice.runs]);
  return (
    <div className="compare">
      <Legend {...props} runs={runs} looks={looks} hidden={choice.hidden} sourceOf={stores.of} metrics={names} onPoint={setPointed} />
      <div className="compare-charts">
        <ChartGrid
          names={matching(names, props.names)}
          lines={lines}
          wishes={wishes}
          marks={placed}
          withoutFlops={props.withoutFlops}
          live={shown.some((run) => !hasEnded(run))}
          onChange={onChange}
          onOpen={open}
        >
          <NameFilter text={props.names} onText={props.onNames} />
          <WithoutFlops runs={without} />
          {earlier.error && <ErrorBanner error={earlier.error} />}
          {names.length === 0 && <NoCurves hidden={shown.length === 0} loaded={loaded} />}
        </ChartGrid>
      </div>
      {opened && props.marked && <MarkDialog runId={props.marked.id} parentId={props.marked.parent_id} {...opened} onClose={close} />}
    </div>
  );
}

/** `loaded`: the history of all that are shown is here. Where it cannot be had a banner says so, and it is asked again. */
export function NoCurves({ hidden, loaded }: { hidden: boolean; loaded: boolean }) {
  if (!hidden && !loaded) return <ChartSkeletons />;
  return (
    <Notice icon={<ChartNoAxesCombined size={28} aria-hidden />} title={hidden ? "All runs are hidden" : "No points yet"}>
      <p>{hidden ? "Show one with its eye." : "The curves appear here with the first step."}</p>
    </Notice>
  );
}

/** Made anew only when something about them is new: all charts are drawn again for them. */
function useLines({ runs, choice, stores, wishes, flopsPerToken }: Props, earlier: Earlier, pointed: string | null): Line[] {
  const unit = smoothingUnit(runs, wishes.axis, flopsPerToken, useNow(60_000));
  const overlaid: Overlaid = { runs: runs.map(({ id, name }) => ({ id, name, factor: factorOn(wishes.axis, flopsPerToken(id)) })), hidden: choice.hidden, pointed, unit };
  const told = JSON.stringify(overlaid);
  return useMemo(() => withEarlier(linesOf(JSON.parse(told) as Overlaid, stores.of), earlier.of), [told, stores, earlier]);
}
