import { queryOptions } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./queries";
import type { Estimate, Me, Run, Validation } from "./types";

/** What the server reckons of a run's spec: its parameters and FLOPs, say. Null where it cannot, as its dataset is gone. It never changes. */
export function estimateQuery(run: Pick<Run, "id" | "spec">, me: Me | undefined) {
  return queryOptions({
    queryKey: [...keys.run(run.id), "estimate"],
    queryFn: async ({ signal }): Promise<Estimate | null> =>
      (await call<Validation>("POST", "/api/v1/runs/validate", { body: run.spec, signal })).estimate,
    // Viewers may not ask.
    enabled: me !== undefined && me.role !== "viewer",
    staleTime: Infinity,
  });
}

export function flopsPerToken(estimate: Estimate | null | undefined): number | null {
  return estimate && estimate.tokens > 0 ? estimate.flops / estimate.tokens : null;
}
