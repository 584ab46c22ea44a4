import type { AnyEvent, Attempt, Checkpoint, Command, Envelope, Run } from "@/shared/api/types";
import { bytes, integer, measure, plural } from "@/shared/format/numbers";
import { duration, exactTime } from "@/shared/format/time";

export type Kind = "checkpoint" | "bad-checkpoint" | "restart" | "preempted" | "change" | "rollback" | "held" | "hang" | "origin" | "spike";

/** Something that happened at a step. */
export interface Mark {
  kind: Kind;
  step: number;
  /** Where it is on the axis of the charts: the step itself, until it is placed elsewhere (see `placed`). */
  x: number;
  /** In short, beside the crosshair. */
  text: string;
  /** The whole story, for who opens it: name and value. */
  facts: readonly (readonly [string, string])[];
}

/** Of a run's events, what is marked beside its checkpoints and attempts. */
export const MARKED = ["CheckpointFailed", "HyperparametersChanged", "RunRolledBack", "TrainingHeld", "HangDetected", "DetectorFired"] as const;
export type Marked = Envelope & { event: Extract<AnyEvent, { type: (typeof MARKED)[number] }> };

type Fired = Extract<AnyEvent, { type: "DetectorFired" }>;

export interface Happened {
  run: Pick<Run, "attempts" | "origin" | "parent_id" | "created_at" | "created_by">;
  /** The last step that was taken, where a run that was preempted waits. */
  reached: number;
  checkpoints: readonly Checkpoint[];
  events: readonly Marked[];
  commands: readonly Command[];
}

type Unplaced = Omit<Mark, "step">;

/** In the order of their steps. */
export function marksOf({ run, reached, checkpoints, events, commands }: Happened): Mark[] {
  const asked = new Map(commands.map((command) => [command.command_id, command]));
  const marks = [...originOf(run), ...attemptsOf(run.attempts, reached), ...checkpoints.map(checkpointOf), ...once(events).flatMap((each) => markOf(each, asked, commands))];
  return marks.map((mark) => ({ ...mark, step: mark.x })).sort((a, b) => a.x - b.x);
}

function originOf({ origin, parent_id: parent, created_at: created, created_by: by }: Happened["run"]): Unplaced[] {
  if (!origin) return [];
  const facts = told({ When: exactTime(created), Who: by, Run: parent, Checkpoint: origin.checkpoint_id });
  return [{ kind: "origin", x: origin.step, text: `begins from the checkpoint of step ${integer(origin.step)} of another run`, facts }];
}

/** Where a later attempt took over, and where one that was preempted waits for another. A rollback has a mark of its own. */
function attemptsOf(attempts: readonly Attempt[], reached: number): Unplaced[] {
  const begun = attempts.filter(({ started_at }) => started_at !== null);
  const later = begun.slice(1).flatMap((attempt, index) => takenOver(attempt, begun[index]));
  const last = attempts.at(-1);
  if (last?.state !== "preempted") return later;
  const facts = told({ When: timeOf(last.ended_at), Attempt: numbered(last), Why: last.reason, Now: "it waits for slots, and goes on from its newest checkpoint" });
  return [...later, { kind: "preempted", x: reached, text: `gave back its slots: ${last.reason}`, facts }];
}

function takenOver(attempt: Attempt, before: Attempt | undefined): Unplaced[] {
  if (!before || before.state === "rolled_back") return [];
  const { resume_step: step, worker } = attempt;
  const ended = before.failure ? before.failure.message : before.reason;
  const kind = before.state === "preempted" ? "preempted" : before.state === "paused" ? "held" : "restart";
  const why = ended || before.state;
  const facts = told({
    When: timeOf(attempt.started_at),
    Attempt: numbered(attempt),
    "From step": integer(step),
    Before: `attempt ${integer(before.attempt)} on ${before.worker}: ${before.state}`,
    Why: ended,
    "What helps": before.failure?.remedy,
  });
  return [{ kind, x: step, text: `attempt ${integer(attempt.attempt)} from step ${integer(step)} on ${worker}, after: ${why}`, facts }];
}

function numbered({ attempt, worker, slots }: Attempt): string {
  return `${integer(attempt)}, ${plural(slots.length, "slot")} on ${worker}`;
}

function checkpointOf({ step, state, created_at, bytes: size, left_behind, damage, aliases }: Checkpoint): Unplaced {
  const facts = told({
    When: exactTime(created_at),
    Size: bytes(size),
    Aliases: aliases.join(", "),
    "Left behind": left_behind && "the run was rolled back to before it",
    Damage: damage,
  });
  const at = `checkpoint at step ${integer(step)}`;
  if (state === "damaged") return { kind: "bad-checkpoint", x: step, text: `damaged ${at}`, facts };
  return { kind: "checkpoint", x: step, text: left_behind ? `${at}, left behind` : at, facts };
}

/** A change is told again by every attempt that makes it again. Events come newest first; the oldest is the one that was asked for. */
function once(events: readonly Marked[]): Marked[] {
  const changes = new Map<string, Marked>();
  for (const each of events) if (each.event.type === "HyperparametersChanged") changes.set(`${each.event.command_id} ${String(each.event.step)}`, each);
  return [...events.filter(({ event }) => event.type !== "HyperparametersChanged"), ...changes.values()];
}

function markOf({ at, event }: Marked, asked: ReadonlyMap<string, Command>, commands: readonly Command[]): Unplaced[] {
  const [x, step, When] = [event.step, `step ${integer(event.step)}`, exactTime(at * 1000)];
  switch (event.type) {
    case "CheckpointFailed":
      return [{ kind: "bad-checkpoint", x, text: `no checkpoint at ${step}: ${event.reason}`, facts: told({ When, Why: event.reason }) }];
    case "HyperparametersChanged": {
      const command = asked.get(event.command_id);
      if (command?.undone) return []; // the curve there is of another training
      const changes = Object.entries(event.new).map(([name, value]) => [short(name), `${JSON.stringify(event.old[name])} → ${JSON.stringify(value)}`] as const);
      const text = `${Object.entries(event.new).map(([name, value]) => `${short(name)} ${JSON.stringify(value)}`).join(", ")} from step ${integer(event.step + 1)} on`;
      const who = command?.by ?? (event.replayed ? "replayed from the run's journal" : "");
      return [{ kind: "change", x, text, facts: [...told({ When, Who: who, Ranks: command?.ranks?.toString() }), ...changes] }];
    }
    case "RunRolledBack":
      return [{ kind: "rollback", x, text: `rolled back from step ${integer(event.old_step)} to ${step}`, facts: told({ When, Who: event.by, From: `step ${integer(event.old_step)}`, Checkpoint: event.checkpoint_id }) }];
    case "TrainingHeld": {
      const by = commands.find((command) => command.type === "pause" && command.step === event.step)?.by;
      return [{ kind: "held", x, text: `stood still after ${step}`, facts: told({ When, Who: by, Slots: "kept" }) }];
    }
    case "HangDetected":
      return [{ kind: "hang", x, text: `no progress after ${step}`, facts: told({ When, "No step for": duration(event.silent_seconds), Then: "the stacks of all ranks went to the log, and the attempt was ended" }) }];
    case "DetectorFired":
      return firedOf(When, event);
  }
}

/** Step 0: before the first one, so it has no place on a chart. */
function firedOf(When: string, { detector, severity, step, metric, value, threshold, message, remedy, actions }: Fired): Unplaced[] {
  if (step === 0) return [];
  const facts = told({
    When,
    Detector: detector.replaceAll("_", " "),
    Severity: severity,
    Metric: metric,
    Value: measure(value),
    Threshold: measure(threshold),
    "What helps": remedy,
    "What is done": actions.join(", "),
  });
  return [{ kind: "spike", x: step, text: `${detector.replaceAll("_", " ")} at step ${integer(step)}: ${message}`, facts }];
}

function short(path: string): string {
  return path.replace(/^train\./, "");
}

function timeOf(iso: string | null): string | null {
  return iso === null ? null : exactTime(iso);
}

/** What there is something to say about. */
function told(facts: Readonly<Record<string, string | false | null | undefined>>): [string, string][] {
  return Object.entries(facts).filter((fact): fact is [string, string] => Boolean(fact[1]));
}
