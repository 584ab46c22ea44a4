import type { Checkpoint } from "@/shared/api/types";

export type Task = "alias" | "delete" | "compare" | "fork" | "rollback";

/** What rows share: who may do what, what is chosen, and where to ask for more. */
export interface Desk {
  mayWrite: boolean;
  chosen: ReadonlySet<string>;
  choose: (ids: readonly string[], on: boolean) => void;
  /** Opens a dialog; `opener` gets the focus back. */
  ask: (task: Task, checkpoints: readonly Checkpoint[], opener: HTMLElement | null) => void;
  /** Tells, also to screen readers, what was done. */
  say: (text: string) => void;
}
