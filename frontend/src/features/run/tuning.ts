import type { Train } from "./schedule";

export interface TuningField {
  path: string;
  label: string;
  kind: "number" | "choice" | "pair" | "lines";
  options?: readonly string[];
  hint?: string;
}

/** What a run can change about itself; as `Hyperparameters` in `shared/commands.py`. */
export const FIELDS: readonly TuningField[] = [
  { path: "optimizer.lr", label: "Learning rate", kind: "number" },
  { path: "schedule.name", label: "Schedule", kind: "choice", options: ["cosine", "constant"] },
  { path: "schedule.warmup_steps", label: "Warm-up steps", kind: "number" },
  { path: "schedule.final_fraction", label: "Final learning rate", kind: "number", hint: "share of the peak" },
  { path: "steps", label: "Total steps", kind: "number" },
  { path: "batch_size", label: "Batch size", kind: "number" },
  { path: "optimizer.weight_decay", label: "Weight decay", kind: "number" },
  { path: "optimizer.betas", label: "Betas", kind: "pair", hint: "two numbers" },
  { path: "optimizer.grad_clip", label: "Gradient clip", kind: "number", hint: "0: none" },
  { path: "evaluate.every", label: "Evaluate every", kind: "number", hint: "steps" },
  { path: "checkpoint.every", label: "Checkpoint every", kind: "number", hint: "steps" },
  { path: "sample.every", label: "Sample every", kind: "number", hint: "steps" },
  { path: "sample.prompts", label: "Prompts", kind: "lines", hint: "one per line" },
];

/** So many of them, the first, make the schedule that is drawn. */
export const DRAWN = 5;

export type Typed = Readonly<Record<string, string>>;

/** The control's text for the run as it is. */
export function textAt(train: Train, path: string): string {
  const value = path.split(".").reduce<unknown>((place, name) => (place as Record<string, unknown> | undefined)?.[name], train);
  if (Array.isArray(value)) return value.map(String).join(path === "sample.prompts" ? "\n" : " ");
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

/** What was typed and differs, nested as the API takes it. What is no number stays text, for the server to refuse by its field. */
export function changesOf(train: Train, typed: Typed): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const text = typed[field.path];
    if (text === undefined) continue;
    const [first = "", second] = field.path.split(".");
    const value = valueOf(field, text);
    if (JSON.stringify(value) === JSON.stringify(valueOf(field, textAt(train, field.path)))) continue; // 5e-4 is 0.0005
    changes[first] = second === undefined ? value : { ...(changes[first] as object | undefined), [second]: value };
  }
  return changes;
}

function valueOf({ kind }: TuningField, text: string): unknown {
  const number = (word: string) => (word.trim() !== "" && Number.isFinite(Number(word)) ? Number(word) : word);
  if (kind === "number") return number(text);
  if (kind === "pair") return text.trim().split(/[\s,]+/).map(number);
  if (kind === "lines") return text.split("\n").filter((line) => line !== "");
  return text;
}

/** The section as it will be. */
export function changed(train: Train, changes: Record<string, unknown>): Train {
  const merged: Record<string, unknown> = { ...train };
  for (const [name, value] of Object.entries(changes)) {
    const inner = value !== null && typeof value === "object" && !Array.isArray(value);
    merged[name] = inner ? { ...(merged[name] as object | undefined), ...value } : value;
  }
  return merged as Train;
}
