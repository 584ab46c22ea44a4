/** The events of shared/events.py, as the monitor sends them. */
export interface Events {
  RunCreated: { name: string; by: string };
  RunStateChanged: { run_id: string; old: string; new: string; by: string; reason: string };
  AttemptPlaced: { attempt: number; worker: string; slots: string[] };
  AttemptClaimed: { attempt: number; worker: string; resume_step: number };
  AttemptEnded: { attempt: number; outcome: string; reason: string };
  CheckpointCommitted: { checkpoint_id: string; step: number; bytes: number };
  CommandRequested: { command_id: string; command: string; by: string };
  WorkerJoined: { worker: string; slots: number };
  WorkerLost: { worker: string; reason: string };
  TrainingStarted: { first_step: number; steps: number; world_size: number; device: string; precision: string; parameters: number };
  StepCompleted: { step: number; tokens: number; metrics: Record<string, number> };
  EvaluationCompleted: { step: number; tokens: number; metrics: Record<string, number> };
  SampleGenerated: { step: number; prompt: string; text: string };
  CheckpointSaved: { step: number; bytes: number; seconds: number };
  CommandApplied: { command_id: string; step: number; ranks: number };
  TrainingEnded: { step: number; outcome: "succeeded" | "stopped" | "failed"; reason: string };
  ProcessDied: { reason: string; after_seconds: number };
  LogWritten: { rank: number; lines: string[] };
}

export type AnyEvent = { [Type in keyof Events]: { type: Type } & Events[Type] }[keyof Events];

export interface Envelope {
  run_id: string;
  attempt: number | null;
  fence: number | null;
  producer: string;
  producer_seq: number;
  at: number;
  event: AnyEvent;
  epoch: string;
  seq: number;
}
