import type { AnyEvent, Attempt, Checkpoint } from "@/shared/api/types";

/** Something that happened at a step. */
export interface Mark {
  kind: "checkpoint" | "bad-checkpoint" | "restart" | "change" | "rollback" | "held" | "hang";
  x: number;
  text: string;
}

/** Of a run's events, what is marked beside its checkpoints and restarts. */
export const MARKED = ["CheckpointFailed", "HyperparametersChanged", "RunRolledBack", "TrainingHeld", "HangDetected"] as const;
export type Marked = Extract<AnyEvent, { type: (typeof MARKED)[number] }>;

export function marksOf(attempts: readonly Attempt[], checkpoints: readonly Checkpoint[], happened: readonly Marked[]): Mark[] {
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
    ...happened.map(markOf),
  ];
}

function markOf(event: Marked): Mark {
  const at = `step ${String(event.step)}`;
  switch (event.type) {
    case "CheckpointFailed":
      return { kind: "bad-checkpoint", x: event.step, text: `no checkpoint at ${at}: ${event.reason}` };
    case "HyperparametersChanged":
      return { kind: "change", x: event.step, text: `${Object.entries(event.new).map(([name, value]) => `${name.replace(/^train\./, "")} ${JSON.stringify(value)}`).join(", ")} from ${at} on` };
    case "RunRolledBack":
      return { kind: "rollback", x: event.step, text: `rolled back from step ${String(event.old_step)} to ${at}` };
    case "TrainingHeld":
      return { kind: "held", x: event.step, text: `stood still after ${at}` };
    case "HangDetected":
      return { kind: "hang", x: event.step, text: `no progress after ${at}` };
  }
}
