import { valueAt, type Draft } from "./draft";

export interface FormField {
  path: string;
  label: string;
  kind: "text" | "number" | "choice" | "dataset" | "tokenizer" | "lines";
  /** What it is when it is left empty. */
  fallback?: string | number;
  options?: readonly string[];
  hint?: string;
}

export interface FormSection {
  title: string;
  fields: readonly FormField[];
  /** Folded away unless something in it is given or wrong. */
  more?: readonly FormField[];
}

/** As in `shared/spec.py`. */
export const PRESETS: Record<string, Record<string, number>> = {
  nano: { n_layer: 4, n_head: 4, n_embd: 128, sequence_length: 64 },
  micro: { n_layer: 6, n_head: 6, n_embd: 192, sequence_length: 128 },
  "gpt2-124m": { n_layer: 12, n_head: 12, n_embd: 768, sequence_length: 1024 },
};

const number = (path: string, label: string, fallback?: number, hint?: string): FormField => ({
  path,
  label,
  kind: "number",
  ...(fallback !== undefined && { fallback }),
  ...(hint !== undefined && { hint }),
});

const choice = (path: string, label: string, options: readonly string[], hint?: string): FormField => ({
  path,
  label,
  kind: "choice",
  options,
  fallback: options[0] ?? "",
  ...(hint !== undefined && { hint }),
});

export const SECTIONS: readonly FormSection[] = [
  {
    title: "Run",
    fields: [
      { path: "name", label: "Name", kind: "text", hint: "lower-case letters, digits, '.', '_', '-'" },
      { path: "project", label: "Project", kind: "text", fallback: "default" },
    ],
  },
  {
    title: "Data",
    fields: [
      { path: "dataset", label: "Dataset", kind: "dataset", hint: "a name, or name@version; fixed when you submit" },
      { path: "tokenizer", label: "Tokenizer", kind: "tokenizer", fallback: "byte", hint: "char, byte, or a trained one" },
    ],
  },
  {
    title: "Model",
    fields: [
      choice("model.preset", "Size", ["nano", "micro", "gpt2-124m"], "fields below override it"),
      number("model.n_layer", "Layers"),
      number("model.n_head", "Heads"),
      number("model.n_embd", "Channels"),
      number("model.sequence_length", "Sequence length", undefined, "tokens"),
    ],
    more: [number("model.dropout", "Dropout", 0), choice("model.tied_head", "Tied head", ["true", "false"])],
  },
  {
    title: "Training",
    fields: [
      number("train.steps", "Steps", 2000),
      number("train.batch_size", "Batch size", 12, "sequences per step over all devices"),
      number("train.optimizer.lr", "Learning rate", 1e-3),
      number("train.schedule.warmup_steps", "Warm-up steps", 100),
      number("train.evaluate.every", "Evaluate every", 250, "steps"),
      number("train.checkpoint.every", "Checkpoint every", 500, "steps"),
    ],
    more: [
      { path: "train.micro_batch_size", label: "Micro-batch size", kind: "number", fallback: "auto", hint: "per device and pass" },
      choice("train.schedule.name", "Schedule", ["cosine", "constant"]),
      number("train.schedule.final_fraction", "Final learning rate", 0.1, "share of the peak"),
      number("train.optimizer.weight_decay", "Weight decay", 0.1),
      number("train.optimizer.grad_clip", "Gradient clip", 1, "0: none"),
      number("train.skip.grad_norm", "Skip above gradient norm", undefined, "before clipping. Empty: never"),
      number("train.skip.loss_spike", "Skip loss spikes above", undefined, "standard deviations. Empty: never"),
      number("train.skip.max_consecutive", "Skip at most in a row", 10, "steps"),
      choice("train.precision", "Precision", ["auto", "fp32", "bf16", "fp16"]),
      number("train.evaluate.batches", "Evaluation batches", 20),
      number("train.evaluate.holdout", "Held out", 0.1, "share of the tokens"),
      number("train.checkpoint.keep_last", "Keep last", 3),
      number("train.checkpoint.keep_best", "Keep best", 1),
      { path: "train.checkpoint.best_metric", label: "Best by", kind: "text", fallback: "val/loss", hint: "a metric of the run" },
      choice("train.checkpoint.best_mode", "Best is the", ["min", "max"]),
      number("train.checkpoint.keep_every", "Keep every", undefined, "steps; those are kept for ever. Empty: none"),
      number("train.seed", "Seed", 1337),
    ],
  },
  {
    title: "Samples",
    fields: [
      { path: "train.sample.prompts", label: "Prompts", kind: "lines", hint: "one per line; none: no samples" },
      number("train.sample.every", "Sample every", 500, "steps"),
      number("train.sample.max_new_tokens", "Length", 64, "tokens"),
    ],
  },
  {
    title: "Compute",
    fields: [
      number("compute.processes_per_node", "Processes", 1, "GPUs, or processes on a CPU"),
      choice("compute.device", "Device", ["auto", "cpu", "cuda"]),
      number("compute.priority", "Priority", 50, "0 to 100; higher goes first, and may take the slots of lower ones"),
      choice("compute.preemptible", "May be preempted", ["true", "false"], "saved and queued where a higher priority needs its slots"),
    ],
  },
];

export const FIELD_PATHS: ReadonlySet<string> = new Set(SECTIONS.flatMap(({ fields, more = [] }) => [...fields, ...more].map(({ path }) => path)));

/** What the server takes where the field is left empty; the model's numbers come with its preset. */
export function fallbackOf(field: FormField, draft: Draft): string {
  const [section, name = ""] = field.path.split(".");
  if (section === "model" && field.fallback === undefined) {
    const preset = valueAt(draft, "model.preset");
    return String(PRESETS[typeof preset === "string" ? preset : "nano"]?.[name] ?? "");
  }
  return field.fallback === undefined ? "" : String(field.fallback);
}

/** What the field shows of the draft. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(String).join("\n");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What was typed, as the spec wants it. What is no number, or one that JavaScript would round, stays as it was typed, for the server to read or refuse. */
export function valueOf(field: FormField, text: string): unknown {
  if (field.kind === "lines") return text === "" ? undefined : text.split("\n");
  if (text === "" && field.path !== "name" && field.path !== "dataset") return undefined;
  if (field.kind === "number" && isExactNumber(text)) return Number(text);
  if (field.path === "model.tied_head" || field.path === "compute.preemptible") return text === "true";
  return text;
}

function isExactNumber(text: string): boolean {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

/** The text of a field's control: as it was typed while the draft still means that ("0." on the way to "0.5"), else as the draft has it. */
export function shownText(field: FormField, typed: string | null, value: unknown): string {
  const same = typed !== null && JSON.stringify(valueOf(field, typed)) === JSON.stringify(value);
  return same ? typed : textOf(value);
}
