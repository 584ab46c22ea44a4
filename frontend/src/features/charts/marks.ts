import type { AnyEvent, Attempt, Checkpoint } from "@/shared/api/types";

/** Something that happened at a step. */
export interface Mark {
  kind: "checkpoint" | "bad-checkpoint" | "restart";
  x: number;
  text: string;
}

export type Failure = Extract<AnyEvent, { type: "CheckpointFailed" }>;

/** `failures`: of checkpoints that could not be written, so that there is none. */
export function marksOf(attempts: readonly Attempt[], checkpoints: readonly Checkpoint[], failures: readonly Failure[]): Mark[] {
  const restarts = attempts.filter(({ attempt, started_at }) => attempt > 1 && started_at !== null);
  return [
    ...restarts.map(({ attempt, resume_step, worker }) => ({
      kind: "restart" as const,
      x: resume_step,
      text: `attempt ${String(attempt)} from step ${String(resume_step)} on ${worker}`,
    })),
    ...checkpoints.map(({ step, state }) =>
      state === "damaged"
        ? { kind: "bad-checkpoint" as const, x: step, text: `damaged checkpoint at step ${String(step)}` }
        : { kind: "checkpoint" as const, x: step, text: `checkpoint at step ${String(step)}` },
    ),
    ...failures.map(({ step, reason }) => ({ kind: "bad-checkpoint" as const, x: step, text: `no checkpoint at step ${String(step)}: ${reason}` })),
  ];
}
