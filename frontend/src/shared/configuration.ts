import type { Run } from "./api/types";

export interface Difference {
  path: string;
  before: string;
  after: string;
}

/** Where two configurations differ, by dotted path; "–" where one of them says nothing. */
export function differences(before: unknown, after: unknown): Difference[] {
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => ({ path, before: old.get(path) ?? "–", after: now.get(path) ?? "–" }));
}

/** What a run really used: its spec with the versions that its references meant. */
export function configurationOf({ spec, resolved }: Run): unknown {
  return { ...spec, dataset: reference(resolved.dataset), tokenizer: reference(resolved.tokenizer) };
}

/** `name@version`; what has no versions is its name. */
export function reference({ name, version }: { name: string; version: number }): string {
  return version > 0 ? `${name}@${String(version)}` : name;
}

/** Values by dotted path, as text; what is not said is left out. Lists are values. */
export function flat(value: unknown, path = "", found = new Map<string, string>()): Map<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [name, inner] of Object.entries(value)) flat(inner, path ? `${path}.${name}` : name, found);
  } else if (value !== null && value !== undefined) {
    found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  }
  return found;
}
