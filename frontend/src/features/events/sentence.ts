import type { AnyEvent } from "@/shared/api/types";
import { bytes, integer, measure, plural } from "@/shared/format/numbers";
import { duration } from "@/shared/format/time";

/** An event in a sentence. A type that is missing does not compile. */
export function sentence(event: AnyEvent): string {
  switch (event.type) {
    case "RunCreated":
      return `${event.by} submitted the run`;
    case "RunStateChanged":
      return `${event.old} → ${event.new} by ${event.by}${because(event.reason)}`;
    case "RunDeleted":
      return `${event.by} deleted the run`;
    case "AttemptPlaced":
      return `attempt ${integer(event.attempt)} was given ${plural(event.slots.length, "slot")} on ${event.worker}`;
    case "AttemptClaimed":
      return `${event.worker} took up attempt ${integer(event.attempt)}${event.resume_step > 0 ? `, from step ${integer(event.resume_step)}` : ""}`;
    case "AttemptEnded":
      return `attempt ${integer(event.attempt)} ended: ${event.outcome}${because(event.reason)}`;
    case "CheckpointCommitted":
      return `checkpoint of step ${integer(event.step)} is safe, ${bytes(event.bytes)}`;
    case "CheckpointDamaged":
      return `checkpoint of step ${integer(event.step)} is damaged and will not be used${because(event.reason)}`;
    case "CheckpointDeleted":
      return `checkpoint of step ${integer(event.step)} was deleted by ${event.by}, ${bytes(event.bytes)}${because(event.reason)}`;
    case "CheckpointSaved":
      return `checkpoint of step ${integer(event.step)} written in ${duration(event.seconds)}, ${bytes(event.bytes)}`;
    case "CheckpointFailed":
      return `checkpoint of step ${integer(event.step)} could not be written${because(event.reason)}`;
    case "CommandRequested":
      return `${event.by} asked to ${event.command}`;
    case "CommandApplied":
      return `applied at step ${integer(event.step)} on ${plural(event.ranks, "rank")}`;
    case "WorkerJoined":
      return `${event.worker} joined with ${plural(event.slots, "slot")}`;
    case "WorkerLost":
      return `${event.worker} was lost${because(event.reason)}`;
    case "StorageLevelChanged":
      return `room for checkpoints: ${event.level}${because(event.message)}`;
    case "TrainingStarted":
      return `training starts at step ${integer(event.first_step)} of ${integer(event.steps)}: ${integer(event.parameters)} parameters, ${plural(event.world_size, "rank")}, ${event.device}, ${event.precision}`;
    case "StepCompleted":
      return `step ${integer(event.step)}`;
    case "EvaluationCompleted":
      return `evaluation at step ${integer(event.step)}: ${metricsText(event.metrics)}`;
    case "SampleGenerated":
      return `sample at step ${integer(event.step)} for “${event.prompt}”`;
    case "TrainingEnded":
      return `training ${event.outcome} at step ${integer(event.step)}${because(event.reason)}`;
    case "ProcessDied":
      return `the training processes died: ${event.reason} (noticed after ${duration(event.after_seconds)})`;
    case "LogWritten":
      return `${plural(event.lines.length, "line")} of rank ${integer(event.rank)}`;
    default:
      return unknown(event);
  }
}

function because(reason: string): string {
  return reason ? `: ${reason}` : "";
}

function metricsText(metrics: Record<string, number>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${measure(value)}`)
    .join(", ");
}

function unknown(event: never): string {
  return (event as AnyEvent).type;
}
