import type { Attempt, Checkpoint } from "@/shared/api/types";

/** Something that happened at a step. */
export interface Mark {
  kind: "checkpoint" | "restart";
  x: number;
  text: string;
}

export function marksOf(attempts: readonly Attempt[], checkpoints: readonly Checkpoint[]): Mark[] {
  const restarts = attempts.filter(({ attempt, started_at }) => attempt > 1 && started_at !== null);
  return [
    ...restarts.map(({ attempt, resume_step, worker }) => ({
      kind: "restart" as const,
      x: resume_step,
      text: `attempt ${String(attempt)} from step ${String(resume_step)} on ${worker}`,
    })),
    ...checkpoints.map(({ step }) => ({ kind: "checkpoint" as const, x: step, text: `checkpoint at step ${String(step)}` })),
  ];
}
