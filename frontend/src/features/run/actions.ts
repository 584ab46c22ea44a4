import type { CommandType, Run, RunState } from "@/shared/api/types";

const AT_WORK: readonly RunState[] = ["starting", "running"];
const GOING: readonly RunState[] = ["queued", ...AT_WORK, "pausing", "paused"];

/** In which states a command makes sense; as `LEGAL` in `services/api/asking.py`. */
export const LEGAL: Record<CommandType, readonly RunState[]> = {
  stop: GOING,
  kill: [...GOING, "stopping"],
  pause: ["queued", ...AT_WORK],
  resume: ["paused"],
  save_checkpoint: AT_WORK,
  evaluate: AT_WORK,
  sample: AT_WORK,
  set_hyperparameters: GOING,
  rollback: GOING,
};

export function allows({ state }: Run, type: CommandType): boolean {
  return LEGAL[type].includes(state);
}

/** What a person reads where a command makes no sense now; null where it does. */
export function whyNot(run: Run, type: CommandType): string | null {
  if (allows(run, type)) return null;
  switch (run.state) {
    case "stopping":
      return "it is stopping: it can only be killed";
    case "pausing":
      return "it is about to pause: wait a moment";
    case "paused":
      return "it is paused: resume it first";
    case "queued":
      return "it waits for slots: only while it trains";
    case "starting":
    case "running":
      return "it is not paused";
    case "succeeded":
    case "failed":
    case "stopped":
    case "killed":
      return `it has ended (${run.state})`;
  }
}

export const NAMES: Record<CommandType, string> = {
  stop: "Stop",
  kill: "Kill",
  pause: "Pause",
  resume: "Resume",
  save_checkpoint: "Save now",
  evaluate: "Evaluate now",
  sample: "Sample now",
  set_hyperparameters: "Change hyperparameters",
  rollback: "Roll back",
};
