import { useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { ChartGrid } from "@/features/charts/ChartGrid";
import type { ViewWishes } from "@/features/charts/ChartView";
import type { MetricStore } from "@/features/charts/MetricStore";
import { MARKED, marksOf, type Marked } from "@/features/charts/marks";
import type { Pace } from "@/features/charts/zoom";
import { checkpointsQuery, commandsQuery, eventsQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { useEdited } from "@/shared/edited";

type Search = Partial<Record<"x" | "from" | "to" | "smooth" | "log", string>>;

/** What the charts show is in the address, so that a link shows the same. */
export default function ChartsTab({ run, metrics }: { run: Run; metrics: MetricStore }) {
  const { x, from, to, smooth, log } = useSearch({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate({ from: "/runs/$runId/$tab" });
  const { data: checkpoints } = useQuery(checkpointsQuery(run.id));
  const settled = written(wishesOf({ x, from, to, smooth, log } as Search));
  const [text, edited] = useEdited(settled, (next) => void navigate({ search: read(next), replace: true, resetScroll: false }));
  const wishes = useMemo(() => wishesOf(read(text)), [text]);
  const asked = useMemo(() => wishesOf(read(settled)), [settled]);
  const events = useQueries({ queries: MARKED.map((type) => eventsQuery(run.id, type)), combine });
  const { data: commands } = useQuery(commandsQuery(run.id));
  const { attempts, origin, parent_id, created_at, created_by } = run;
  const reached = attempts.at(-1)?.state === "preempted" ? run.progress.step : 0;
  // All charts are drawn anew for new marks: only for what can change them.
  const marks = useMemo(
    () => marksOf({ run: { attempts, origin, parent_id, created_at, created_by }, reached, checkpoints: checkpoints?.items ?? [], events, commands: commands?.items ?? [] }),
    [attempts, origin, parent_id, created_at, created_by, reached, checkpoints, events, commands],
  );
  const change = (wish: Partial<ViewWishes>, pace: Pace) => {
    const next = written({ ...wishesOf(read(edited.shown.get())), ...wish });
    if (pace === "gliding") edited.edit(next);
    else edited.put(next);
  };
  return <ChartGrid run={run} store={metrics} wishes={wishes} asked={asked} marks={marks} onChange={change} />;
}

function read(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

function written(wishes: ViewWishes): string {
  return new URLSearchParams(searchOf(wishes)).toString();
}

function combine(results: readonly { data: readonly Marked[] | undefined }[]): Marked[] {
  return results.flatMap(({ data }) => data ?? []);
}

function number(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) ? undefined : value;
}

function wishesOf({ x, from, to, smooth, log }: Search): ViewWishes {
  const axis = x === "tokens" || x === "time" ? x : "step";
  const smoothing = Math.min(Math.max(number(smooth) ?? 0, 0), 0.99);
  return { axis, from: number(from), to: number(to), smoothing, log: log === "1" };
}

function searchOf({ axis, from, to, smoothing, log }: ViewWishes): Search {
  const search: Search = {};
  const place = (value: number) => (axis === "time" ? value.toFixed(3) : String(Math.round(value)));
  if (axis !== "step") search.x = axis;
  if (from !== undefined) search.from = place(from);
  if (to !== undefined) search.to = place(to);
  if (smoothing > 0) search.smooth = String(smoothing);
  if (log) search.log = "1";
  return search;
}
