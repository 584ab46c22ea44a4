import type { AnyEvent } from "@/shared/api/types";
import { bytes, integer, measure, plural } from "@/shared/format/numbers";
import { duration } from "@/shared/format/time";

type Sentences = { [Type in AnyEvent["type"]]: (event: Extract<AnyEvent, { type: Type }>) => string };

const SKIPPED = {
  non_finite: "its loss or gradient is no number",
  grad_norm: "its gradient is too large",
  loss_spike: "its loss is a spike",
  overflow: "its gradient overflowed the scale of fp16",
};

/** A type that is missing does not compile. */
const SENTENCES: Sentences = {
  RunCreated: (event) => `${event.by} submitted the run`,
  RunStateChanged: (event) => `${event.old} → ${event.new} by ${event.by}${because(event.reason)}`,
  RunDeleted: (event) => `${event.by} deleted the run`,
  AttemptPlaced: (event) => `attempt ${integer(event.attempt)} was given ${plural(event.slots.length, "slot")} on ${event.worker}`,
  AttemptClaimed: (event) => `${event.worker} took up attempt ${integer(event.attempt)}${event.resume_step > 0 ? `, from step ${integer(event.resume_step)}` : ""}`,
  AttemptEnded: (event) => `attempt ${integer(event.attempt)} ended: ${event.outcome}${because(event.reason)}`,
  CheckpointCommitted: (event) => `checkpoint of step ${integer(event.step)} is safe, ${bytes(event.bytes)}`,
  CheckpointDamaged: (event) => `checkpoint of step ${integer(event.step)} is damaged and will not be used${because(event.reason)}`,
  CheckpointDeleted: (event) => `checkpoint of step ${integer(event.step)} was deleted by ${event.by}, ${bytes(event.bytes)}${because(event.reason)}`,
  CheckpointFailed: (event) => `checkpoint of step ${integer(event.step)} could not be written${because(event.reason)}`,
  CheckpointSaved: (event) => `checkpoint of step ${integer(event.step)} written in ${duration(event.seconds)}, ${bytes(event.bytes)}`,
  CommandRequested: (event) => `${event.by} asked to ${event.command}`,
  AttemptPreempted: (event) => `attempt ${integer(event.attempt)} gives back its slots${because(event.reason)}`,
  RunForked: (event) => `${event.by} forked it from the checkpoint of step ${integer(event.step)} of ${event.parent_id}`,
  RunRolledBack: (event) => `${event.by} rolled it back from step ${integer(event.old_step)} to step ${integer(event.step)}`,
  CommandAccepted: (event) => `the worker has ${event.command}`,
  CommandRejected: (event) => `${event.command} was rejected${because(event.reason)}`,
  CommandApplied: (event) =>
    event.rejected
      ? `${event.command} could not be applied${because(event.rejected)}`
      : `${event.command} applied at step ${integer(event.step)} on ${plural(event.ranks, "rank")}`,
  HyperparametersChanged: (event) => `from step ${integer(event.step + 1)} on: ${changesText(event.old, event.new)}${event.replayed ? " (replayed)" : ""}`,
  TrainingHeld: (event) => `training stands still after step ${integer(event.step)} and keeps its slots`,
  TrainingContinued: (event) => `training goes on after step ${integer(event.step)}; it stood still for ${duration(event.seconds)}`,
  ProcessAdopted: (event) => `the worker's agent was started anew and took the training over at step ${integer(event.step)}`,
  HangDetected: (event) => `no step for ${duration(event.silent_seconds)} after step ${integer(event.step)}: the stacks of all ranks are in the log`,
  WorkerHalted: (event) => `${event.worker} takes nothing for now${because(event.reason)}`,
  EmergencyStopped: (event) => `${event.by} stopped everything${event.worker ? ` on ${event.worker}` : ""}${because(event.reason)}`,
  EmergencyEnded: (event) => `${event.by} reopened ${event.worker || "the queue"} after the emergency stop`,
  HostSampled: (event) => `${event.worker} was read${event.dropped ? `, for the first time after ${plural(event.dropped, "second")} that got lost` : ""}`,
  WorkerJoined: (event) => `${event.worker} joined with ${plural(event.slots, "slot")}`,
  WorkerLost: (event) => `${event.worker} was lost${because(event.reason)}`,
  WorkerDraining: (event) => (event.draining ? `${event.by} drains ${event.worker}: nothing new is placed there` : `${event.by} offers ${event.worker} to runs again`),
  QueuePaused: (event) => `${event.by} paused the queue${because(event.reason)}`,
  QueueReopened: (event) => `${event.by} reopened the queue`,
  StorageLevelChanged: (event) => `room for checkpoints: ${event.level}${because(event.message)}`,
  TrainingStarted: (event) => `training starts at step ${integer(event.first_step)} of ${integer(event.steps)}: ${integer(event.parameters)} parameters, ${plural(event.world_size, "rank")}, ${event.device}, ${event.precision}`,
  StepCompleted: (event) => `step ${integer(event.step)}`,
  EvaluationCompleted: (event) => `evaluation at step ${integer(event.step)}: ${metricsText(event.metrics)}`,
  SampleGenerated: (event) => `sample at step ${integer(event.step)} for “${event.prompt}”`,
  TrainingEnded: (event) => `training ${event.outcome} at step ${integer(event.step)}${because(event.reason)}`,
  ProcessDied: (event) => `the training processes died: ${event.reason} (noticed after ${duration(event.after_seconds)})`,
  StepSkipped: (event) => `step ${integer(event.step)} was left out: ${SKIPPED[event.reason]} (loss ${measured(event.loss)}, gradient norm ${measured(event.grad_norm)})`,
  EventsDropped: (event) =>
    `${plural(event.count, "event")} ${event.count === 1 ? "is" : "are"} missing here${event.first_step == null || event.last_step == null ? "" : `, of steps ${integer(event.first_step)} to ${integer(event.last_step)}`}${because(event.reason)}`,
  DetectorFired: (event) => `${event.detector.replaceAll("_", " ")}${event.step > 0 ? ` at step ${integer(event.step)}` : ""}: ${event.message}${event.actions.length > 1 ? ` (${event.actions.slice(1).join(", ")})` : ""}`,
  DetectorCleared: (event) => `${event.detector.replaceAll("_", " ")} has passed${because(event.message)}`,
  AlertActionTaken: (event) => `${event.detector.replaceAll("_", " ")} asked to ${event.action}: ${event.outcome}${because(event.reason)}`,
  LogWritten: (event) => `${plural(event.lines.length, "line")} of rank ${integer(event.rank)}`,
};

/** An event in a sentence; one of a newer server is told by its type. */
export function sentence(event: AnyEvent): string {
  const write = SENTENCES[event.type] as ((event: AnyEvent) => string) | undefined;
  return write ? write(event) : event.type;
}

/** Of what may be no number; over HTTP that is null. */
function measured(value: number | null): string {
  return value === null || !Number.isFinite(value) ? "not finite" : measure(value);
}

function because(reason: string): string {
  return reason ? `: ${reason}` : "";
}

function changesText(before: Record<string, unknown>, after: Record<string, unknown>): string {
  return Object.entries(after)
    .map(([name, value]) => `${name.replace(/^train\./, "")} ${JSON.stringify(before[name])} → ${JSON.stringify(value)}`)
    .join(", ");
}

function metricsText(metrics: Record<string, number>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${measure(value)}`)
    .join(", ");
}
