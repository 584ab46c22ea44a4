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
  alerts?: () => void;
  point?: (point: Point) => void;
  /** Anything that is worth a line in the run's list of events. */
  happened?: () => void;
}

type Tell = Exclude<keyof EventSink, "point" | "happened">;
type PointType = "StepCompleted" | "EvaluationCompleted";

/** The one place that knows what each event means here. A type that is missing does not compile. */
const EFFECTS: Record<Exclude<AnyEvent["type"], PointType>, readonly Tell[]> = {
  RunCreated: ["run"],
  RunStateChanged: ["run"],
  RunDeleted: ["run"],
  AttemptPreempted: ["run"],
  RunForked: ["run"],
  RunRolledBack: ["run", "checkpoints"],
  TrainingStarted: ["run"],
  TrainingHeld: ["run"],
  TrainingContinued: ["run"],
  ProcessAdopted: [],
  HangDetected: ["run"],
  StepSkipped: [],
  EventsDropped: ["run"],
  HyperparametersChanged: ["run", "commands"],
  TrainingEnded: ["run"],
  ProcessDied: ["run"],
  AttemptPlaced: ["run", "workers"],
  AttemptClaimed: ["run", "workers"],
  AttemptEnded: ["run", "workers"],
  WorkerJoined: ["workers"],
  WorkerLost: ["workers"],
  WorkerDraining: ["workers"],
  WorkerHalted: ["workers"],
  EmergencyStopped: ["queue", "workers", "run"],
  EmergencyEnded: ["queue", "workers"],
  QueuePaused: ["queue"],
  QueueReopened: ["queue"],
  CommandRequested: ["commands"],
  CommandAccepted: ["commands"],
  CommandRejected: ["commands"],
  CommandApplied: ["commands"],
  CheckpointCommitted: ["checkpoints"],
  CheckpointDamaged: ["checkpoints"],
  CheckpointDeleted: ["checkpoints"],
  StorageLevelChanged: ["checkpoints"],
  CheckpointSaved: [],
  CheckpointFailed: [],
  SampleGenerated: ["samples"],
  LogWritten: ["logs"],
  // Followed by whoever shows a worker (shared/workers).
  HostSampled: [],
  DetectorFired: ["alerts"],
  DetectorCleared: ["alerts"],
  AlertActionTaken: ["alerts", "commands"],
};

export function applyEvent({ event, attempt }: Envelope, sink: EventSink): void {
  if (event.type !== "StepCompleted" && event.type !== "LogWritten") sink.happened?.();
  if (event.type === "StepCompleted" || event.type === "EvaluationCompleted") {
    sink.point?.(pointOf(event, attempt ?? 0));
    return;
  }
  // A newer server may have others; they are left alone.
  const effects = EFFECTS[event.type] as readonly Tell[] | undefined;
  if (!effects) console.warn("an event of a newer server:", event.type);
  for (const tell of effects ?? []) sink[tell]?.();
}

function pointOf({ type, step, tokens, metrics }: Extract<AnyEvent, { type: PointType }>, attempt: number): Point {
  return { evaluation: type === "EvaluationCompleted", attempt, step, tokens, metrics };
}
