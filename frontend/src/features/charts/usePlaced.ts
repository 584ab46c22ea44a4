import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { call, path } from "@/shared/api/client";
import { hasEnded, keys } from "@/shared/api/queries";
import type { MetricsAnswer, Run, Series } from "@/shared/api/types";
import { axisOfHistory, type ViewAxis } from "./curve";
import { placed, stepsTo } from "./markPlaces";
import type { Mark } from "./marks";

/** Every step has it. */
const METRIC = "train/loss";
const BUCKETS = 2000;
const WHILE_LIVE_MS = 15_000;
const NONE: readonly Mark[] = [];

/** Marks, which know their steps, at their places on the axis. None while nobody knows where the steps are on it. */
export function usePlaced(run: Run | null, marks: readonly Mark[], axis: ViewAxis, flopsPerToken: number | null): readonly Mark[] {
  const history = axisOfHistory(axis);
  const [steps, others] = useQueries({
    queries: (["step", history] as const).map((x) => ({
      queryKey: [...keys.run(run?.id ?? ""), "places", x],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call<MetricsAnswer>("GET", path`/api/v1/runs/${run?.id ?? ""}/metrics`, { query: { names: METRIC, x, buckets: BUCKETS }, signal }),
      enabled: run !== null && axis !== "step" && marks.length > 0,
      refetchInterval: !run || hasEnded(run) ? (false as const) : WHILE_LIVE_MS,
    })),
    combine: (results) => results.map(({ data }): Series | undefined => data?.series[0]),
  });
  const factor = axis === "flops" ? flopsPerToken : 1;
  return useMemo(() => {
    if (axis === "step") return marks;
    if (!steps || !others || factor === null) return NONE;
    const xOf = stepsTo(steps, others);
    return placed(marks, (step) => factor * xOf(step));
  }, [axis, marks, steps, others, factor]);
}
