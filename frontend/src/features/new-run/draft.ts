import { parse, stringify } from "yaml";
import { typedText } from "@/shared/kept";

/** A run spec in the making: only what was given, of any shape. The server says what is wrong with it. */
export type Draft = Readonly<Record<string, unknown>>;

export const EMPTY: Draft = { name: "", dataset: "", tokenizer: "char", model: { preset: "nano" } };

export function isSection(value: unknown): value is Draft {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function valueAt(draft: Draft, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => (isSection(value) ? value[name] : undefined), draft);
}

/** A copy with `value` at the dotted path; undefined takes the field out, and sections that become empty with it. */
export function withValue(draft: Draft, path: string, value: unknown): Draft {
  const [name = "", ...rest] = path.split(".");
  const inner = draft[name];
  const next = rest.length === 0 ? value : withValue(isSection(inner) ? inner : {}, rest.join("."), value);
  const gone = next === undefined || (rest.length > 0 && isSection(next) && Object.keys(next).length === 0);
  if (gone) return Object.fromEntries(Object.entries(draft).filter(([key]) => key !== name));
  return { ...draft, [name]: next };
}

export function toYaml(draft: Draft): string {
  return stringify(draft, { lineWidth: 100 });
}

/** Throws Error, saying where the text is wrong. */
export function fromYaml(text: string): Draft {
  const value: unknown = parse(text);
  if (value === null || value === undefined) return {};
  if (!isSection(value)) throw new Error("a run spec is a list of `field: value`, beginning with `name:`");
  return value;
}

/** What is sent: a name or dataset that was left empty counts as not given. */
export function toSpec(draft: Draft): Draft {
  return Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== ""));
}

/** What was typed, over a reload. `yaml`: the text, where it cannot be read at the moment. */
export interface Work {
  draft: Draft;
  yaml: string | null;
}

export function keptWork(): Work | null {
  try {
    const work = JSON.parse(typedText.read("new-run") ?? "null") as Work | null;
    return work && isSection(work.draft) ? work : null;
  } catch {
    return null;
  }
}

export function keepWork(work: Work | null): void {
  typedText.write("new-run", work && JSON.stringify(work));
}

/** What the section `alerts` says that the defaults do not: "nan: rollback, plateau: off"; empty where it says nothing. */
export function alertsIn(draft: Draft): string {
  const { alerts } = draft;
  if (!isSection(alerts)) return "";
  const told = Object.entries(alerts).flatMap(([name, section]) => (isSection(section) ? [`${name.replaceAll("_", " ")}: ${chosen(section)}`] : []));
  return told.join(", ");
}

function chosen(section: Draft): string {
  if (section.enabled === false) return "off";
  return typeof section.action === "string" ? section.action : "changed";
}
