import type { AnyEvent } from "@/shared/api/types";
import { bytes, integer, measure, plural } from "@/shared/format/numbers";
import { duration } from "@/shared/format/time";

type Sentences = { [Type in AnyEvent["type"]]: (event: Extract<AnyEvent, { type: Type }>) => string };

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
  CommandApplied: (event) => `applied at step ${integer(event.step)} on ${plural(event.ranks, "rank")}`,
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
  LogWritten: (event) => `${plural(event.lines.length, "line")} of rank ${integer(event.rank)}`,
};

/** An event in a sentence; one of a newer server is told by its type. */
export function sentence(event: AnyEvent): string {
  const write = SENTENCES[event.type] as ((event: AnyEvent) => string) | undefined;
  return write ? write(event) : event.type;
}

function because(reason: string): string {
  return reason ? `: ${reason}` : "";
}

function metricsText(metrics: Record<string, number>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${measure(value)}`)
    .join(", ");
}
