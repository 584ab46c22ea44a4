import type { MetricsAnswer } from "@/shared/api/types";
import type { Axis } from "./curve";

/** A step of an attempt, and how many tokens were seen by then. */
export interface Place {
  attempt: number;
  step: number;
  tokens: number;
}

/** What history is asked for. */
export interface Question {
  axis: Axis;
  /** Largest x; without it everything there is. */
  to: number | undefined;
  /** The live point from which on history is not needed, where it is to stand in for those before. */
  base: Place | null;
}

export type Reached = MetricsAnswer["reached"];

/** Over time nobody knows here: null. */
export function xOf({ step, tokens }: Place, axis: Axis): number | undefined {
  if (axis === "time") return undefined;
  return axis === "tokens" ? tokens : step;
}

/** History has everything before `place`. Evaluations come behind their step, so the step itself must be there. */
export function covers(reached: Reached, place: Place): boolean {
  if (!reached) return false;
  return reached.attempt > place.attempt || (reached.attempt === place.attempt && reached.step >= place.step);
}

/** History was asked to stand in for live points and has not been written that far: it is to be asked again. */
export function isBehind({ base }: Question, reached: Reached): boolean {
  return base !== null && !covers(reached, base);
}
