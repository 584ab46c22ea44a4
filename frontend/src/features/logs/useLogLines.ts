import { path } from "@/shared/api/client";
import type { GrowingList, Newest } from "@/shared/api/newest";
import { hasEnded, keys } from "@/shared/api/queries";
import type { LogLine, Run } from "@/shared/api/types";
import { useNewest } from "@/shared/api/useNewest";

const QUIET_EVERY_MS = 10_000;

export interface LoadedLines {
  /** As they were written. */
  lines: readonly LogLine[];
  /** There are lines before these. */
  cut: boolean;
}

/** The last lines of a run, and as many before them as were asked for. */
export function useLogLines(run: Run) {
  const refetchInterval = hasEnded(run) ? false : QUIET_EVERY_MS;
  return useNewest([...keys.run(run.id), "logs"], logLines(run.id), { refetchInterval, select: asWritten });
}

export function logLines(runId: string): GrowingList<LogLine> {
  return {
    address: path`/api/v1/runs/${runId}/logs`,
    idOf: ({ line }) => line,
    limit: 1000,
    after: ({ line }) => ({ from_line: line + 1 }),
  };
}

function asWritten({ items, older }: Newest<LogLine>): LoadedLines {
  return { lines: [...items].reverse(), cut: older !== null };
}
