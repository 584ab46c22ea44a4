import { runLooks } from "@/shared/runColour";
import type { Run } from "@/shared/api/types";
import type { CurveSource, ViewAxis } from "./curve";
import { unitOf } from "./smoothing";

/** One curve of a chart: whose, and how it looks. */
export interface Line {
  /** Tells lines apart. */
  id: string;
  label: string;
  source: CurveSource;
  colour: string;
  dash: readonly number[];
  /** Faded: somebody points at another. Earlier: of an attempt that another one took over from. */
  look: "plain" | "faded" | "earlier";
  /** What the source's x is multiplied by. */
  factor: number;
  /** The distance on the axis over which smoothing counts (see `smooth`). */
  unit: number;
}

export const EARLIER_DASH = [3, 3];

/** The distance on an axis that smoothing counts by, the same for all runs of a chart: of the longest one. */
export function smoothingUnit(runs: readonly Run[], axis: ViewAxis, flopsPerToken: (id: string) => number | null, now: number): number {
  const units = runs.map((run) => {
    const unit = unitOf(run.progress.steps);
    if (axis === "step") return unit;
    if (axis === "time") return unit * secondsPerStep(run, now);
    return unit * tokensPerStep(run) * (axis === "flops" ? (flopsPerToken(run.id) ?? 0) : 1);
  });
  return Math.max(...units, 0) || 1;
}

function tokensPerStep({ progress: { step, tokens } }: Run): number {
  return step > 0 ? tokens / step : 0;
}

/** On average since it began, rounded so that it stays the same for a while. */
function secondsPerStep({ started_at: began, ended_at: ended, progress: { step } }: Run, now: number): number {
  if (began === null || step === 0) return 0;
  return Number((((ended === null ? now : Date.parse(ended)) - Date.parse(began)) / 1000 / step).toPrecision(2));
}

/** What a run's x is multiplied by on an axis; null where it has no such axis, as nobody knows what a token costs. */
export function factorOn(axis: ViewAxis, flopsPerToken: number | null): number | null {
  return axis === "flops" ? flopsPerToken : 1;
}

/** What is to be drawn of several runs: plain data. */
export interface Overlaid {
  /** All that are chosen, in their order: hiding one leaves the others their colours. `factor`: as of `factorOn`. */
  runs: readonly { id: string; name: string; factor: number | null }[];
  hidden: readonly string[];
  /** Who somebody points at: the others are faded. */
  pointed: string | null;
  unit: number;
}

/** Lines of several runs, told apart by colour and dash. */
export function linesOf({ runs, hidden, pointed, unit }: Overlaid, sourceOf: (id: string) => CurveSource): Line[] {
  const looks = runLooks(runs.map(({ id }) => id));
  const someoneElse = (id: string) => pointed !== null && pointed !== id && !hidden.includes(pointed);
  return runs.flatMap(({ id, name, factor }) => {
    const look = looks.get(id);
    if (hidden.includes(id) || !look || factor === null) return [];
    return [{ id, label: name, source: sourceOf(id), ...look, look: someoneElse(id) ? ("faded" as const) : ("plain" as const), factor, unit }];
  });
}

/** The same lines with those of earlier attempts behind each. */
export function withEarlier(lines: readonly Line[], attemptsOf: (id: string) => readonly { attempt: number; source: CurveSource }[]): Line[] {
  const earlier = lines.flatMap((line) =>
    attemptsOf(line.id).map(({ attempt, source }) => ({
      ...line,
      id: `${line.id} ${attempt}`,
      label: `${line.label}, attempt ${attempt}`,
      source,
      dash: EARLIER_DASH,
      look: line.look === "faded" ? ("faded" as const) : ("earlier" as const),
    })),
  );
  return [...lines, ...earlier];
}
