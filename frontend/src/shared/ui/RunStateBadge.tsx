import { Ban, CircleCheck, CircleDashed, CirclePause, CirclePlay, CircleStop, CircleX, Clock, Hourglass, type LucideIcon } from "lucide-react";
import type { RunState } from "../api/types";

export type Tone = "good" | "info" | "warn" | "bad" | "off";

const LOOKS: Record<RunState, readonly [LucideIcon, Tone]> = {
  queued: [Clock, "off"],
  starting: [CircleDashed, "info"],
  running: [CirclePlay, "info"],
  pausing: [Hourglass, "warn"],
  paused: [CirclePause, "warn"],
  stopping: [Hourglass, "warn"],
  succeeded: [CircleCheck, "good"],
  failed: [CircleX, "bad"],
  stopped: [CircleStop, "off"],
  killed: [Ban, "warn"],
};

export function toneOf(state: RunState): Tone {
  return LOOKS[state][1];
}

/** Always an icon, a word and a colour. */
export function RunStateBadge({ state }: { state: RunState }) {
  const [Icon, tone] = LOOKS[state];
  return (
    <span className="badge" data-tone={tone}>
      <Icon size={14} aria-hidden /> {state}
    </span>
  );
}
