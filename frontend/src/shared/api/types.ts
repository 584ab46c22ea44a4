/** The shapes of docs/http-api.md under the names the dashboard uses. */
export type RunState =
  | "queued" | "starting" | "running" | "pausing" | "paused" | "stopping" | "succeeded" | "failed" | "stopped" | "killed";

export interface RunSpec {
  name: string;
  project: string;
  dataset: string;
  tokenizer: string;
  model: {
    architecture: "decoder";
    preset: "nano" | "micro" | "gpt2-124m";
    n_layer: number;
    n_head: number;
    n_embd: number;
    sequence_length: number;
    dropout: number;
    tied_head: boolean;
  };
  train: {
    steps: number;
    batch_size: number;
    micro_batch_size: number | "auto";
    optimizer: { name: "adamw"; lr: number; weight_decay: number; betas: [number, number]; grad_clip: number };
    schedule: { name: "cosine" | "constant"; warmup_steps: number; final_fraction: number };
    precision: "auto" | "fp32" | "bf16";
    evaluate: { every: number; batches: number; holdout: number };
    checkpoint: { every: number; keep_last: number; keep_best: number };
    sample: { every: number; prompts: string[]; max_new_tokens: number };
    seed: number;
  };
  compute: { nodes: 1; processes_per_node: number; device: "auto" | "cpu" | "cuda"; strategy: "ddp"; priority: number };
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Attempt {
  id: string;
  attempt: number;
  state: "placed" | "claimed" | "running" | "succeeded" | "failed" | "stopped" | "killed" | "lost";
  worker: string;
  slots: string[];
  reason: string;
  resume_step: number;
  started_at: string | null;
  ended_at: string | null;
}

export interface Progress {
  step: number;
  steps: number;
  tokens: number;
  loss: number | null;
  tokens_per_second: number | null;
  eta_seconds: number | null;
}

export interface Run {
  id: string;
  name: string;
  project: string;
  state: RunState;
  reason: string;
  created_at: string;
  created_by: string;
  started_at: string | null;
  ended_at: string | null;
  spec: RunSpec;
  resolved: {
    dataset: { id: string; name: string; version: number; bytes: number };
    tokenizer: { id: string; name: string; version: number; vocab_size: number; bytes_per_token: number };
  };
  attempts: Attempt[];
  progress: Progress;
  summary: Record<string, number>;
}

export interface Estimate {
  parameters: number;
  tokens: number;
  flops: number;
  memory_bytes_per_device: number;
  duration_seconds: number | null;
  checkpoint_bytes: number;
  cost_usd: number | null;
}

export interface FieldError {
  field: string;
  message: string;
}

export interface Validation {
  valid: boolean;
  errors: FieldError[];
  estimate: Estimate | null;
}

export interface Command {
  command_id: string;
  type: "stop" | "kill";
  state: "requested" | "accepted" | "applied" | "rejected";
  step: number | null;
  ranks: number | null;
  reason: string;
  by: string;
  created_at: string;
}

export interface Checkpoint {
  id: string;
  run_id: string;
  attempt: number;
  step: number;
  tokens: number;
  metrics: Record<string, number>;
  bytes: number;
  created_at: string;
  files: { name: string; bytes: number; sha256: string }[];
}

export interface Slot {
  id: string;
  device: "cpu" | "cuda";
  name: string;
  attempt_id: string | null;
  run_id: string | null;
}

export interface Worker {
  name: string;
  state: "online" | "lost";
  host: string;
  slots: Slot[];
  last_heartbeat: string | null;
}

export interface DatasetVersion {
  id: string;
  dataset: string;
  version: number;
  bytes: number;
  files: number;
  created_at: string;
  created_by: string;
}

export interface Dataset {
  name: string;
  versions: number;
  latest: DatasetVersion;
  created_at: string;
}

export interface Document {
  index: number;
  path: string;
  bytes: number;
  text: string;
}

export interface Upload {
  id: string;
  dataset: string;
  state: "open" | "complete";
  missing: { sha256: string; url: string }[];
}

export interface Tokenizer {
  id: string;
  name: string;
  version: number;
  kind: string;
  vocab_size: number;
  state: "training" | "ready" | "failed";
  progress: number;
  reason: string;
  bytes_per_token: number;
}

export interface Series {
  name: string;
  attempt: number;
  x: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  last: (number | null)[];
  count: number[];
  nan: number[];
}

export interface LogLine {
  rank: number;
  line: number;
  attempt: number;
  at: string;
  text: string;
}

export interface Sample {
  step: number;
  prompt: string;
  text: string;
  at: string;
  attempt: number | null;
}

export interface Me {
  name: string;
  role: "viewer" | "editor" | "admin";
}
