/** The generated shapes under the names the dashboard uses. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type RunState = Schemas["RunState"];
export type RunSpec = Schemas["RunSpec"];
export type Run = Schemas["RunAnswer"];
export type Attempt = Schemas["AttemptAnswer"];
export type Progress = Schemas["ProgressAnswer"];
export type Estimate = Schemas["Estimate"];
export type Validation = Schemas["Validation"];
export type FieldError = Schemas["SpecError"];
export type CommandType = Schemas["CommandType"];
export type CommandBody = { type: CommandType; hold?: boolean; from_scratch?: boolean; changes?: Record<string, unknown>; prompts?: string[]; checkpoint_id?: string };
export type Emergency = Schemas["EmergencyAnswer"];
export type Command = Schemas["CommandAnswer"];
export type Checkpoint = Schemas["CheckpointAnswer"];
export type ChangedCheckpoint = Schemas["ChangedCheckpoint"];
export type CheckpointUsage = Schemas["UsageAnswer"];
export type DeletionAnswer = Schemas["DeletionAnswer"];
export type Alias = Schemas["AliasAnswer"];
export type Slot = Schemas["SlotAnswer"];
export type Worker = Schemas["WorkerAnswer"];
export type Queue = Schemas["QueueAnswer"];
export type Waiting = Schemas["WaitingAnswer"];
export type Dataset = Schemas["DatasetView"];
export type DatasetVersion = Schemas["DatasetVersionView"];
export type Document = Schemas["DocumentView"];
export type NewUpload = Schemas["NewUpload"];
export type Upload = Schemas["UploadView"];
export type Tokenizer = Schemas["TokenizerView"];
export type MetricsAnswer = Schemas["MetricsAnswer"];
export type Series = Schemas["SeriesAnswer"];
export type WorkerMetrics = Schemas["WorkerMetricsAnswer"];
export type LogLine = Schemas["LogLine"];
export type LogPage = Schemas["LogPage"];
export type Sample = Schemas["SampleAnswer"];
export type GenerateBody = Schemas["GenerateBody"];
export type Alert = Schemas["AlertAnswer"];
export type Severity = Alert["severity"];
export type NotificationTarget = Schemas["TargetAnswer"];
export type NewNotificationTarget = Schemas["NewTargetAnswer"];
export type NotificationTopic = NotificationTarget["events"][number];
export type Delivery = Schemas["DeliveryAnswer"];
export type Me = Schemas["MeAnswer"];
export type Envelope = Schemas["Envelope"];
export type AnyEvent = Envelope["event"];

/** Of a change of hyperparameters. */
export type EnvelopeOfChange = Envelope & { event: Extract<AnyEvent, { type: "HyperparametersChanged" }> };

/** Every list. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
