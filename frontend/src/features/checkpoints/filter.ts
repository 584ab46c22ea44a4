import type { Query } from "@/shared/api/client";
import type { Checkpoint } from "@/shared/api/types";

export const ONLY = ["pinned", "expiring", "damaged"] as const;
export type Only = (typeof ONLY)[number];

/** What is shown, as the address has it. `run`: an id. `alias`: `project/name`. */
export interface CheckpointFilter {
  run?: string | undefined;
  alias?: string | undefined;
  only?: Only | undefined;
}

export function onlyNamed(text: string | undefined): Only | undefined {
  return ONLY.find((only) => only === text);
}

/** What the server is asked for; it knows neither what is pinned nor what expires. */
export function queryOf({ run, alias, only }: CheckpointFilter): Query {
  return { run_id: run, alias, state: only === "damaged" ? only : undefined };
}

export function isShown({ pinned, expires_at, state }: Checkpoint, only: Only | undefined): boolean {
  switch (only) {
    case "pinned":
      return pinned;
    case "expiring":
      return expires_at !== null;
    case "damaged":
      return state === "damaged";
    case undefined:
      return true;
  }
}

/** The same for the address, without what is not filtered by. */
export function searchOf({ run, alias, only }: CheckpointFilter): { run?: string; alias?: string; only?: string } {
  return { ...(run !== undefined && { run }), ...(alias !== undefined && { alias }), ...(only && { only }) };
}
