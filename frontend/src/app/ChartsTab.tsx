import { useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { MetricStore } from "@/features/charts/MetricStore";
import { RunCharts } from "@/features/charts/RunCharts";
import { read, searchOf, wishesOf, written, type ViewSearch, type ViewWishes } from "@/features/charts/address";
import { MARKED, marksOf, type Mark, type Marked } from "@/features/charts/marks";
import type { Pace } from "@/features/charts/zoom";
import { estimateQuery, flopsPerToken } from "@/shared/api/estimate";
import { checkpointsQuery, commandsQuery, eventsQuery, meQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { useEdited } from "@/shared/edited";

/** What the charts show is in the address, so that a link shows the same. */
export default function ChartsTab({ run, metrics }: { run: Run; metrics: MetricStore }) {
  const search = useSearch({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate({ from: "/runs/$runId/$tab" });
  const { wishes, asked, change } = useWishes(search, (next) => void navigate({ search: next, replace: true, resetScroll: false }));
  const { data: me } = useQuery(meQuery);
  const { data: estimate, isLoading } = useQuery(estimateQuery(run, me));
  const marks = useMarks(run);
  const reckoned = me !== undefined && !isLoading;
  return <RunCharts run={run} store={metrics} wishes={wishes} asked={asked} marks={marks} flopsPerToken={flopsPerToken(estimate)} reckoned={reckoned} onChange={change} />;
}

/** What charts are to show, as it is edited and as the address has it. `go` puts it there. */
export function useWishes(search: ViewSearch, go: (search: ViewSearch) => void) {
  const settled = written(wishesOf(search));
  const [text, edited] = useEdited(settled, (next) => go(searchOf(read(next))));
  const wishes = useMemo(() => read(text), [text]);
  const asked = useMemo(() => read(settled), [settled]);
  const change = (wish: Partial<ViewWishes>, pace: Pace) => {
    const next = written({ ...read(edited.shown.get()), ...wish });
    if (pace === "gliding") edited.edit(next);
    else edited.put(next);
  };
  return { wishes, asked, change };
}

/** What happened to the run, over its steps. */
export function useMarks(run: Run, enabled = true): Mark[] {
  const { data: checkpoints } = useQuery({ ...checkpointsQuery(run.id), enabled });
  const events = useQueries({ queries: MARKED.map((type) => ({ ...eventsQuery(run.id, type), enabled })), combine });
  const { data: commands } = useQuery({ ...commandsQuery(run.id), enabled });
  const { attempts, origin, parent_id, created_at, created_by } = run;
  const reached = attempts.at(-1)?.state === "preempted" ? run.progress.step : 0;
  // All charts are drawn anew for new marks: only for what can change them.
  return useMemo(
    () => marksOf({ run: { attempts, origin, parent_id, created_at, created_by }, reached, checkpoints: checkpoints?.items ?? [], events, commands: commands?.items ?? [] }),
    [attempts, origin, parent_id, created_at, created_by, reached, checkpoints, events, commands],
  );
}

function combine(results: readonly { data: readonly Marked[] | undefined }[]): Marked[] {
  return results.flatMap(({ data }) => data ?? []);
}
