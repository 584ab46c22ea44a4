import type { FieldError } from "@/shared/api/types";
import { valueAt, type Draft } from "./draft";
import { FIELD_PATHS } from "./fields";

export type View = "form" | "yaml" | "curl";

const NEEDED = ["name", "dataset"];

/** What every run needs and the draft does not have. */
export function missingIn(draft: Draft): string[] {
  return NEEDED.filter((path) => !valueAt(draft, path));
}

interface Findings {
  draft: Draft;
  /** By the check of what is typed. */
  found: readonly FieldError[];
  /** By the attempt to start the run as it is now. */
  refused: readonly FieldError[];
  /** Somebody has tried to start it; that something is not there yet is said from then on. */
  tried: boolean;
}

/** What is to be told about a draft, each thing once. */
export function complaintsOf({ draft, found, refused, tried }: Findings): FieldError[] {
  const missing = missingIn(draft);
  const told = [...refused, ...found.filter(({ field }) => tried || !missing.includes(field))];
  const untold = tried ? missing.filter((path) => !told.some(({ field }) => field === path)) : [];
  const all = [...told, ...untold.map((field) => ({ field, message: "is needed" }))];
  return [...new Map(all.map((error) => [`${error.field} ${error.message}`, error])).values()];
}

/** Those that no field and no list of this view tells. */
export function untoldIn(view: View, complaints: readonly FieldError[]): readonly FieldError[] {
  if (view === "yaml") return [];
  if (view === "curl") return complaints;
  return complaints.filter(({ field }) => ![...FIELD_PATHS].some((path) => field === path || field.startsWith(`${path}.`)));
}
