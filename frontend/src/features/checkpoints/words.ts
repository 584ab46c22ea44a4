import { CircleAlert, CircleCheck, CircleDashed, Clock, Lock, LockOpen, Pin, Tag, Trash2, Undo2, type LucideIcon } from "lucide-react";
import { hasEnded } from "@/shared/api/queries";
import type { Checkpoint, Run } from "@/shared/api/types";
import { ago, exactTime, until } from "@/shared/format/time";
import type { Tone } from "@/shared/ui/RunStateBadge";

/** Always an icon, a word and a colour. `about`: the longer story. */
export interface Told {
  icon: LucideIcon;
  tone: Tone;
  text: string;
  about: string;
}

/** Whether its bytes can be trusted. */
export function trust({ state, verified_at, damage }: Checkpoint, now: number): Told {
  if (state === "deleting") return { icon: Trash2, tone: "off", text: "being deleted", about: "its objects are being deleted" };
  if (state === "damaged") return { icon: CircleAlert, tone: "bad", text: "damaged", about: damage };
  if (verified_at === null) return { icon: CircleDashed, tone: "off", text: "not verified yet", about: "its bytes were never read back" };
  const about = `every byte was read back and its SHA-256 was right, ${exactTime(verified_at)}`;
  return { icon: CircleCheck, tone: "good", text: `hash verified ${ago(verified_at, now)}`, about };
}

/** Why its run cannot go back to it; null where it can, as far as is known. */
export function noRollback({ step, left_behind }: Checkpoint, run: Run | undefined): string | null {
  if (left_behind) return "an earlier rollback left it behind: fork from it instead";
  if (!run) return null;
  if (hasEnded(run)) return `its run has ended (${run.state}): fork from it instead`;
  if (run.state === "stopping") return "its run is stopping: fork from it instead";
  return step >= run.progress.step ? "its run is not past it" : null;
}

/** What keeps it, in short: pin, names, and rules; or when it goes. */
export function keeping(checkpoint: Checkpoint, now: number): Told[] {
  const { pinned, pinned_by, aliases, expires_at, state } = checkpoint;
  if (state === "deleting") return [];
  const told: Told[] = [];
  if (checkpoint.left_behind) told.push({ icon: Undo2, tone: "off", text: "left behind", about: "the run was rolled back to before it, and does not use it any more" });
  if (pinned) told.push({ icon: Pin, tone: "info", text: "pinned", about: `pinned by ${pinned_by ?? "somebody"}` });
  for (const name of aliases) told.push({ icon: Tag, tone: "info", text: name, about: `alias ${name}` });
  const [first, ...more] = rules(checkpoint);
  if (first !== undefined) {
    told.push({ icon: Lock, tone: "off", text: more.length > 0 ? `${first} +${String(more.length)}` : first, about: [first, ...more].join("; ") });
  }
  if (expires_at !== null) {
    told.push({ icon: Clock, tone: "warn", text: `expires ${until(expires_at, now)}`, about: `nothing keeps it; it is deleted on ${exactTime(expires_at)}` });
  }
  if (told.length === 0) told.push({ icon: LockOpen, tone: "warn", text: "not kept", about: "nothing keeps it; it will soon be told when it is deleted" });
  return told;
}

/** Reasons beside pin and aliases. */
function rules({ kept_because, pinned_by, aliases }: Checkpoint): string[] {
  const shown = new Set([`pinned by ${pinned_by ?? ""}`, ...aliases.map((name) => `alias ${name}`)]);
  return kept_because.filter((reason) => !shown.has(reason));
}

/** "step 1,200 of shakespeare" */
export function nameOf({ step, run_name }: Checkpoint): string {
  return `step ${step.toLocaleString("en")} of ${run_name}`;
}
