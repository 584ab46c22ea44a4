import { call, path, type Query } from "./client";
import { hasEnded } from "./queries";
import type { MetricsAnswer, Run } from "./types";

/** So long after a question that failed it is asked again. */
export const AFTER_FAILURE_MS = 5000;

export interface Answered extends MetricsAnswer {
  /** The run had ended when it was asked. */
  ended: boolean;
}

/** What the history has of a run's metrics. Throws Problem. */
export async function askMetrics(run: Run, query: Query, signal: AbortSignal): Promise<Answered> {
  const ended = hasEnded(run);
  return { ...(await call<MetricsAnswer>("GET", path`/api/v1/runs/${run.id}/metrics`, { query, signal })), ended };
}

type Told = Pick<Answered, "ended" | "reached">;

/** Whether history will have more of the run than it had: it is written later than the run trains, also at its end. */
export function isToGrow({ progress }: Pick<Run, "progress">, { ended, reached }: Told): boolean {
  return !ended || (reached?.step ?? 0) < progress.step;
}

/** For `refetchInterval`: every so many milliseconds while there is more to come, and until it is answered where that failed. */
export function whileItGrows(run: Pick<Run, "progress"> | null, everyMs: number) {
  return ({ state: { status, data } }: { state: { status: string; data: Told | undefined } }): number | false => {
    if (status === "error") return AFTER_FAILURE_MS;
    return run && data && isToGrow(run, data) ? everyMs : false;
  };
}
