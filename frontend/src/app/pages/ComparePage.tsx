import { useQueries, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { GitCompareArrows } from "lucide-react";
import { Tabs } from "radix-ui";
import { useCallback, useMemo, useState } from "react";
import { CompareCharts } from "@/features/charts/CompareCharts";
import type { Mark } from "@/features/charts/marks";
import { RunStores } from "@/features/charts/RunStores";
import { bucketsEach } from "@/features/charts/useHistory";
import { Configurations } from "@/features/compare/Configurations";
import { estimateQuery, flopsPerToken } from "@/shared/api/estimate";
import { asProblem } from "@/shared/api/problem";
import { meQuery, runQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { choiceOf, choiceSearch, withChosen, withHidden, type Choice } from "@/shared/choice";
import { plural } from "@/shared/format/numbers";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { useTitle } from "@/shared/useTitle";
import { ComparedRun } from "../ComparedRun";
import { useMarks, useWishes } from "../ChartsTab";

/** Several runs: their curves on the same charts, and where their configurations differ. All that is chosen is in the address. */
export default function ComparePage() {
  const search = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const { runs: ids, hidden } = search;
  const choice = useMemo(() => choiceOf({ runs: ids ?? "", hidden: hidden ?? "" }), [ids, hidden]);
  const change = (next: Record<string, string | undefined>) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true, resetScroll: false });
  const choose = (next: Choice) => change({ runs: undefined, hidden: undefined, ...choiceSearch(next) });
  const { runs, failed, pending } = useRuns(choice.runs);
  useTitle(`Compare ${plural(choice.runs.length, "run")}`);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Compare {plural(choice.runs.length, "run")}</h1>
        <Link className="button" to="/runs" search={choiceSearch(choice)}>
          Choose runs
        </Link>
      </div>
      {failed.map(({ id, error }) => (
        <ErrorBanner key={id} error={error} />
      ))}
      {choice.runs.length === 0 && <NothingChosen />}
      {pending && <Skeleton lines={8} height={20} />}
      {runs.length > 0 && <Comparison runs={runs} choice={choice} choose={choose} change={change} />}
    </div>
  );
}

interface ComparisonProps {
  runs: readonly Run[];
  choice: Choice;
  choose: (choice: Choice) => void;
  change: (search: Record<string, string | undefined>) => void;
}

function Comparison({ runs, choice, choose, change }: ComparisonProps) {
  const { view, all, base, x } = useSearch({ from: "/compare" });
  const shown = view === "config" ? "config" : "charts";
  const [stores] = useState(() => new RunStores());
  const reckoned = useEstimates(runs, shown === "config" || x === "flops");
  const remove = (id: string) => choose(withChosen(choice, id, false));
  return (
    <Tabs.Root value={shown} activationMode="manual" onValueChange={(next) => change({ view: next === "config" ? "config" : undefined })}>
      <Tabs.List className="tabs-list" aria-label="Comparison">
        <Tabs.Trigger value="charts">Charts</Tabs.Trigger>
        <Tabs.Trigger value="config">Configuration</Tabs.Trigger>
      </Tabs.List>
      <Tabs.Content value={shown} className="tab-panel">
        {shown === "charts" ? (
          <Charts runs={runs} choice={choice} choose={choose} change={change} stores={stores} reckoned={reckoned} />
        ) : (
          <Configurations
            runs={runs}
            order={choice.runs}
            estimates={reckoned.estimates}
            base={base}
            all={all === "1"}
            onBase={(id) => change({ base: id })}
            onAll={(next) => change({ all: next ? "1" : undefined })}
            onRemove={remove}
          />
        )}
      </Tabs.Content>
    </Tabs.Root>
  );
}

interface ChartsProps extends ComparisonProps {
  stores: RunStores;
  reckoned: ReturnType<typeof useEstimates>;
}

function Charts({ runs, choice, choose, change, stores, reckoned }: ChartsProps) {
  const search = useSearch({ from: "/compare" });
  const { wishes, asked, change: onChange } = useWishes(search, (next) => change({ ...NO_VIEW, ...next }));
  const { data: me } = useQuery(meQuery);
  const { estimates } = reckoned;
  const costOf = useCallback((id: string) => flopsPerToken(estimates[id]), [estimates]);
  const shown = runs.filter(({ id }) => !choice.hidden.includes(id));
  const marked = shown.find(({ id }) => id === search.marks) ?? null;
  const marks = useMarks(marked ?? first(runs), marked !== null);
  return (
    <>
      {shown.map((run) => (
        <ComparedRun key={run.id} run={run} store={stores.of(run.id)} asked={asked} flopsPerToken={costOf(run.id)} buckets={bucketsEach(shown.length)} />
      ))}
      <CompareCharts
        runs={runs}
        choice={choice}
        stores={stores}
        wishes={wishes}
        asked={asked}
        flopsPerToken={costOf}
        reckoned={reckoned.done}
        withoutFlops={me?.role === "viewer"}
        names={search.names ?? ""}
        metric={search.metric ?? "train/loss"}
        marked={marked}
        marks={marked ? marks : NO_MARKS}
        onMark={(id) => change({ marks: id ?? undefined })}
        onChange={onChange}
        onNames={(names) => change({ names: names || undefined })}
        onMetric={(metric) => change({ metric })}
        onHide={(id, hide) => choose(withHidden(choice, id, hide))}
        onRemove={(id) => choose(withChosen(choice, id, false))}
      />
    </>
  );
}

const NO_MARKS: readonly Mark[] = [];

function first(runs: readonly Run[]): Run {
  const [run] = runs;
  if (!run) throw new Error("a comparison has a run");
  return run;
}

/** What is as usual is taken out of the address. */
const NO_VIEW = { x: undefined, from: undefined, to: undefined, smooth: undefined, log: undefined, clip: undefined, attempts: undefined };

/** The runs that are there, in the order of `ids`; what is wrong with the others. */
function useRuns(ids: readonly string[]) {
  return useQueries({
    queries: ids.map((id) => runQuery(id)),
    combine: (results) => ({
      runs: results.flatMap(({ data, error }) => (data && asProblem(error).status !== 404 ? [data] : [])),
      failed: results.flatMap(({ error }, index) => (error ? [{ id: ids[index], error }] : [])),
      pending: results.some(({ isPending }) => isPending),
    }),
  });
}

/** Asked for only where they are shown: the curves come first. */
function useEstimates(runs: readonly Run[], wanted: boolean) {
  const { data: me } = useQuery(meQuery);
  return useQueries({
    queries: runs.map((run) => {
      const query = estimateQuery(run, me);
      return { ...query, enabled: query.enabled === true && wanted };
    }),
    combine: (results) => ({
      estimates: Object.fromEntries(results.map(({ data }, index) => [runs[index]?.id ?? "", data ?? null])),
      done: me !== undefined && results.every(({ isLoading }) => !isLoading),
    }),
  });
}

function NothingChosen() {
  return (
    <Notice icon={<GitCompareArrows size={28} aria-hidden />} title="Nothing to compare yet">
      <p>
        Tick some runs in the <Link to="/runs">list of runs</Link>, then press Compare.
      </p>
    </Notice>
  );
}
