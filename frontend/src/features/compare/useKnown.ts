import { queryOptions, useQueries } from "@tanstack/react-query";
import { askMetrics, whileItGrows } from "@/shared/api/metrics";
import { commandsQuery, eventsQuery, keys } from "@/shared/api/queries";
import type { Estimate, Run } from "@/shared/api/types";
import { changesOf, type Known } from "./rows";

const LOSSES = ["train/loss", "val/loss"];
const WHILE_LIVE_MS = 10_000;

/** What there is to compare of each run, as far as it has come. */
export function useKnown(runs: readonly Run[], estimates: Readonly<Record<string, Estimate | null>>): Known[] {
  const events = useQueries({ queries: runs.map(({ id }) => eventsQuery(id, "HyperparametersChanged")) });
  const commands = useQueries({ queries: runs.map(({ id }) => commandsQuery(id)) });
  const best = useQueries({ queries: runs.map((run) => bestQuery(run)) });
  return runs.map((run, index) => ({
    run,
    estimate: estimates[run.id] ?? null,
    best: best[index]?.data ?? null,
    changes: changesOf(events[index]?.data ?? [], commands[index]?.data?.items ?? []),
  }));
}

function bestQuery(run: Run) {
  return queryOptions({
    queryKey: [...keys.run(run.id), "lowest"],
    queryFn: ({ signal }) => askMetrics(run, { names: LOSSES.join(), buckets: 1 }, signal),
    select: ({ series }) => Object.fromEntries(series.map(({ name, min }) => [name, min[0] ?? null])),
    refetchInterval: whileItGrows(run, WHILE_LIVE_MS),
  });
}
