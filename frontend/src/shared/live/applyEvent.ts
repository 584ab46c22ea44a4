import type { AnyEvent, Envelope } from "../api/types";

export interface Point {
  /** An evaluation comes behind the step it belongs to, so it does not tell where the live points begin. */
  evaluation: boolean;
  attempt: number;
  step: number;
  tokens: number;
  metrics: Readonly<Record<string, number>>;
}

/** What the dashboard does about events. Give only what you care for. */
export interface EventSink {
  /** A run is new or changed. */
  run?: () => void;
  workers?: () => void;
  queue?: () => void;
  checkpoints?: () => void;
  commands?: () => void;
  samples?: () => void;
  logs?: () => void;
  point?: (point: Point) => void;
  /** Anything that is worth a line in the run's list of events. */
  happened?: () => void;
}

/** The one place that knows what each event means here. A type that is missing does not compile. */
export function applyEvent({ event, attempt }: Envelope, sink: EventSink): void {
  if (event.type !== "StepCompleted" && event.type !== "LogWritten") sink.happened?.();
  switch (event.type) {
    case "RunCreated":
    case "RunStateChanged":
    case "RunDeleted":
    case "TrainingStarted":
    case "TrainingEnded":
    case "ProcessDied":
      return sink.run?.();
    case "AttemptPlaced":
    case "AttemptClaimed":
    case "AttemptEnded":
      sink.run?.();
      return sink.workers?.();
    case "WorkerJoined":
    case "WorkerLost":
    case "WorkerDraining":
      return sink.workers?.();
    case "QueuePaused":
    case "QueueReopened":
      return sink.queue?.();
    case "CommandRequested":
    case "CommandApplied":
      return sink.commands?.();
    case "CheckpointCommitted":
    case "CheckpointDamaged":
    case "CheckpointDeleted":
    case "StorageLevelChanged":
      return sink.checkpoints?.();
    case "CheckpointSaved":
    case "CheckpointFailed":
      return undefined;
    case "SampleGenerated":
      return sink.samples?.();
    case "LogWritten":
      return sink.logs?.();
    case "StepCompleted":
    case "EvaluationCompleted":
      return sink.point?.(pointOf(event, attempt ?? 0));
    default:
      return ignore(event);
  }
}

/** Never called for an event that we know; one of a newer server is left alone. */
function ignore(event: never): void {
  console.warn("an event of a newer server:", (event as AnyEvent).type);
}

function pointOf({ type, step, tokens, metrics }: Extract<AnyEvent, { metrics: unknown }>, attempt: number): Point {
  return { evaluation: type === "EvaluationCompleted", attempt, step, tokens, metrics };
}
