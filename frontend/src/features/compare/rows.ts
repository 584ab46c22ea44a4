import type { Command, EnvelopeOfChange, Estimate, Run } from "@/shared/api/types";
import { flat, reference } from "@/shared/configuration";
import { integer, loss, measure, short } from "@/shared/format/numbers";
import { duration } from "@/shared/format/time";

/** A change that was made while the run trained: from the step behind `step` on. */
export interface Change {
  step: number;
  text: string;
}

export interface Cell {
  text: string;
  /** Where it is a quantity, to tell how far it is from another. */
  amount: number | null;
  changes: readonly Change[];
}

export interface Row {
  name: string;
  /** One for each run. */
  cells: readonly Cell[];
  differs: boolean;
}

export interface Section {
  title: string;
  rows: readonly Row[];
}

/** What is known of a run beside its record; null while it is not. */
export interface Known {
  run: Run;
  estimate: Estimate | null;
  /** Lowest values over the whole run, by metric. */
  best: Readonly<Record<string, number | null>> | null;
  /** By dotted path of the spec. */
  changes: ReadonlyMap<string, readonly Change[]>;
}

const NONE = "–";
const MARKED_APART = new Set(["name", "dataset", "tokenizer"]);

/** Everything there is to compare, in sections. */
export function sectionsOf(known: readonly Known[], now: number): Section[] {
  return [
    { title: "Results", rows: rowsOf(known, (each) => resultsOf(each, now)) },
    { title: "Set-up", rows: rowsOf(known, setUpOf) },
    { title: "Spec", rows: rowsOf(known, specOf) },
  ];
}

/** Rows of which not all cells say the same. */
export function differing(rows: readonly Row[]): Row[] {
  return rows.filter(({ differs }) => differs);
}

type Cells = Map<string, Cell>;

/** In the order in which they are named first. */
function rowsOf(known: readonly Known[], cellsOf: (each: Known) => Cells): Row[] {
  const columns = known.map(cellsOf);
  const names = [...new Set(columns.flatMap((cells) => [...cells.keys()]))];
  return names.map((name) => {
    const cells = columns.map((column) => column.get(name) ?? plain(NONE));
    return { name, cells, differs: new Set(cells.map(said)).size > 1 };
  });
}

function said({ text, changes }: Cell): string {
  return JSON.stringify([text, changes]);
}

function plain(text: string, amount: number | null = null): Cell {
  return { text, amount, changes: [] };
}

function quantity(value: number | null | undefined, text: (value: number) => string): Cell {
  return value === null || value === undefined || !Number.isFinite(value) ? plain(NONE) : plain(text(value), value);
}

function resultsOf({ run, best }: Known, now: number): Cells {
  const { progress, summary, state, started_at: began, ended_at: ended } = run;
  const seconds = began === null ? null : ((ended === null ? now : Date.parse(ended)) - Date.parse(began)) / 1000;
  return new Map([
    ["state", plain(state)],
    ["train/loss, last", quantity(progress.loss ?? summary["train/loss"], loss)],
    ["train/loss, lowest", quantity(best?.["train/loss"], loss)],
    ["val/loss, last", quantity(summary["val/loss"], loss)],
    ["val/loss, lowest", quantity(best?.["val/loss"], loss)],
    ["tokens/s", quantity(summary["perf/tokens_per_second"] ?? progress.tokens_per_second, short)],
    ["steps taken", quantity(progress.step, integer)],
    ["tokens seen", quantity(progress.tokens, short)],
    ["time", quantity(seconds, duration)],
  ]);
}

function setUpOf({ run, estimate }: Known): Cells {
  const { resolved, attempts, parent_id: parent } = run;
  const last = attempts.at(-1);
  return new Map([
    ["dataset", plain(reference(resolved.dataset))],
    ["tokenizer", plain(reference(resolved.tokenizer))],
    ["vocabulary", quantity(resolved.tokenizer.vocab_size, integer)],
    ["parameters", quantity(estimate?.parameters, short)],
    ["FLOPs of the whole plan", quantity(estimate?.flops, measure)],
    ["world size", quantity(last?.slots.length, integer)],
    ["worker", plain(last?.worker ?? NONE)],
    ["attempts", quantity(attempts.length, integer)],
    ["forked from", plain(parent ?? NONE)],
  ]);
}

function specOf({ run, changes }: Known): Cells {
  const spec = [...flat(run.spec)].filter(([path]) => !MARKED_APART.has(path));
  const cells = new Map(spec.map(([path, text]) => [path, cellOf(text, changes.get(path) ?? [])]));
  for (const [path, made] of changes) if (!cells.has(path)) cells.set(path, cellOf(NONE, made));
  return cells;
}

function cellOf(text: string, changes: readonly Change[]): Cell {
  const amount = text.trim() === "" ? NaN : Number(text);
  return { text, amount: Number.isFinite(amount) ? amount : null, changes };
}

/** What was changed while the run trained, by dotted path, in order. Changes that a rollback undid are left out; what attempts repeat is told once. */
export function changesOf(events: readonly EnvelopeOfChange[], commands: readonly Command[]): Map<string, Change[]> {
  const undone = new Set(commands.filter((command) => command.undone).map(({ command_id }) => command_id));
  const found = new Map<string, Change[]>();
  const seen = new Set<string>();
  for (const { event } of [...events].sort((a, b) => a.event.step - b.event.step || a.at - b.at)) {
    const once = `${event.command_id} ${String(event.step)}`;
    if (undone.has(event.command_id) || seen.has(once)) continue;
    seen.add(once);
    for (const [path, value] of Object.entries(event.new)) {
      const change = { step: event.step, text: typeof value === "string" ? value : JSON.stringify(value) };
      found.set(path, [...(found.get(path) ?? []), change]);
    }
  }
  return found;
}

/** How a cell stands to that of the baseline, in a word; null where it is the same. */
export function against(cell: Cell, base: Cell): string | null {
  if (said(cell) === said(base)) return null;
  if (cell.amount === null || base.amount === null || base.amount === 0 || cell.amount / base.amount <= 0) return "differs";
  const ratio = cell.amount / base.amount;
  if (ratio === 1) return "differs";
  if (ratio >= 2 || ratio <= 0.5) return `× ${String(Number(ratio.toPrecision(3)))}`;
  const percent = 100 * (ratio - 1);
  const text = Math.abs(percent) < 0.1 ? "< 0.1" : Math.abs(percent).toFixed(1);
  return `${percent > 0 ? "+" : "−"}${text} %`;
}
