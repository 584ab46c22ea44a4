import type { AnyEvent, Checkpoint, Run } from "@/shared/api/types";

type Change = Extract<AnyEvent, { type: "HyperparametersChanged" }>;

export const FIELDS = [
  { path: "name", label: "Name", hint: "of the new run: small letters, digits, . _ -" },
  { path: "train.steps", label: "Steps", hint: "counted from the first run's beginning" },
  { path: "train.optimizer.lr", label: "Learning rate", hint: "" },
  { path: "train.batch_size", label: "Batch size", hint: "" },
] as const;

export type Path = (typeof FIELDS)[number]["path"];
export type Typed = Partial<Record<Path, string>>;

/** `changes`: without those that a rollback undid. What a field is at the checkpoint: what the first change behind it began from, else what the run has now. "": not known. */
export function valueAt({ step, left_behind }: Checkpoint, { name, train }: Run, changes: readonly Change[] | undefined, field: Path): string {
  if (field === "name") return `${name}-fork`;
  if (left_behind || !changes) return ""; // what was undone since is told by nobody
  const behind = changes.filter((change) => change.step > step && field in change.old).sort((a, b) => a.step - b.step);
  const now = { "train.steps": train.steps, "train.batch_size": train.batch_size, "train.optimizer.lr": train.optimizer.lr }[field];
  return JSON.stringify(behind[0]?.old[field] ?? now);
}

/** What is typed, as the API takes it. What is no number stays text, for the server to refuse by its field. */
export function bodyOf(typed: Typed): { name?: string; overrides: Record<string, unknown> } {
  const number = (text: string) => (Number.isFinite(Number(text)) ? Number(text) : text);
  const written = (path: Path) => typed[path]?.trim() ?? "";
  const train: Record<string, unknown> = {};
  if (written("train.steps")) train.steps = number(written("train.steps"));
  if (written("train.batch_size")) train.batch_size = number(written("train.batch_size"));
  if (written("train.optimizer.lr")) train.optimizer = { lr: number(written("train.optimizer.lr")) };
  return { ...(written("name") ? { name: written("name") } : {}), overrides: Object.keys(train).length > 0 ? { train } : {} };
}
