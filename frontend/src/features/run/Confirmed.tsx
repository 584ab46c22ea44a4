import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { RefObject } from "react";
import { call, path } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { keys } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { ErrorBanner } from "@/shared/ui/Notice";
import { useCommand } from "./useCommand";

export type Action = "stop" | "kill" | "delete" | "resume";

const ACTIONS: Record<Action, { title: (run: Run) => string; about: (run: Run) => string; button: string }> = {
  stop: {
    title: ({ name }) => `Stop ${name}?`,
    about: ({ progress }) =>
      `It finishes its current step, saves a checkpoint and ends. It is at step ${integer(progress.step)} of ${integer(progress.steps)}.`,
    button: "Stop with a checkpoint",
  },
  kill: {
    title: ({ name }) => `Kill ${name}?`,
    about: () => "Its processes end at once. What was trained since the last checkpoint is lost.",
    button: "Kill now",
  },
  resume: {
    title: ({ name }) => `Begin ${name} anew?`,
    about: () => "It has no checkpoint to go on from. It can begin at its first step; what it learned is lost.",
    button: "Begin at the first step",
  },
  delete: {
    title: ({ name }) => `Delete ${name}?`,
    about: () => "The run and all its checkpoints are deleted. This cannot be undone.",
    button: "Delete run and checkpoints",
  },
};

interface ConfirmedProps {
  run: Run;
  action: Action;
  opener: RefObject<HTMLButtonElement | null>;
  onClose: () => void;
}

/** What is asked a second time before it is done. */
export function Confirmed({ run, action, opener, onClose }: ConfirmedProps) {
  const ask = useCommand(run, onClose);
  const remove = useRemoval(run, onClose);
  const texts = ACTIONS[action];
  // The refusal names what a person keeps; who has read it may go on.
  const needed = remove.isError && asProblem(remove.error).code === "checkpoint-needed";
  const error = ask.error ?? remove.error;
  const confirm = () => {
    if (action === "delete") remove.mutate(needed);
    else ask.mutate(action === "resume" ? { type: action, from_scratch: true } : { type: action });
  };
  return (
    <ConfirmDialog
      open
      title={texts.title(run)}
      action={needed ? "Delete them all the same" : texts.button}
      busy={ask.isPending || remove.isPending}
      opener={opener}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{texts.about(run)}</p>
      {error && <ErrorBanner error={error} />}
    </ConfirmDialog>
  );
}

function useRemoval(run: Run, onDone: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (force: boolean) => call("DELETE", path`/api/v1/runs/${run.id}`, { query: { force: force ? "true" : undefined } }),
    onSuccess: async () => {
      onDone();
      void client.invalidateQueries({ queryKey: keys.runs });
      client.removeQueries({ queryKey: keys.run(run.id) });
      return navigate({ to: "/runs" });
    },
  });
}
