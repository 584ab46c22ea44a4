import { asProblem, type Problem } from "@/shared/api/problem";
import type { Checkpoint } from "@/shared/api/types";
import type { Desk } from "./desk";
import { useChange, useVerify } from "./queries";
import { nameOf } from "./words";

export interface RowActions {
  busy: boolean;
  verifying: boolean;
  failure: Problem | null;
  togglePin: () => void;
  verify: () => void;
}

/** What is done with one checkpoint without a dialog. */
export function useRowActions(checkpoint: Checkpoint, desk: Desk): RowActions {
  const change = useChange(checkpoint.id);
  const verify = useVerify(checkpoint.id);
  const name = nameOf(checkpoint);
  const error = change.error ?? verify.error;
  return {
    busy: change.isPending || verify.isPending,
    verifying: verify.isPending,
    failure: error && asProblem(error),
    togglePin: () => {
      verify.reset();
      change.mutate({ pinned: !checkpoint.pinned }, { onSuccess: ({ pinned }) => desk.say(pinned ? `Pinned ${name}: it stays until it is unpinned.` : `Unpinned ${name}.`) });
    },
    verify: () => {
      change.reset();
      verify.mutate(undefined, { onSuccess: (found) => desk.say(verdict(found, name)) });
    },
  };
}

function verdict({ state, damage }: Checkpoint, name: string): string {
  return state === "damaged" ? `Read back ${name}: it is damaged. ${damage}` : `Read back every byte of ${name}: all hashes are right.`;
}
