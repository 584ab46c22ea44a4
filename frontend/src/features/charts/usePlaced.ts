import { queryOptions, skipToken, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { askMetrics, whileItGrows } from "@/shared/api/metrics";
import { keys } from "@/shared/api/queries";
import type { Run, Series } from "@/shared/api/types";
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
    queries: (["step", history] as const).map((x) =>
      queryOptions({
        queryKey: [...keys.run(run?.id ?? ""), "places", x],
        queryFn: run && axis !== "step" && marks.length > 0 ? ({ signal }) => askMetrics(run, { names: METRIC, x, buckets: BUCKETS }, signal) : skipToken,
        refetchInterval: whileItGrows(run, WHILE_LIVE_MS),
      }),
    ),
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
