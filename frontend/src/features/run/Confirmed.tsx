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
  const act = useAction(run, onClose);
  const texts = ACTIONS[action];
  // The refusal names what a person keeps; who has read it may go on.
  const needed = action === "delete" && act.isError && asProblem(act.error).code === "checkpoint-needed";
  return (
    <ConfirmDialog
      open
      title={texts.title(run)}
      action={needed ? "Delete them all the same" : texts.button}
      busy={act.isPending}
      opener={opener}
      onConfirm={() => act.mutate({ action, force: needed })}
      onClose={onClose}
    >
      <p>{texts.about(run)}</p>
      {act.isError && <ErrorBanner error={act.error} />}
    </ConfirmDialog>
  );
}

function useAction(run: Run, onDone: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: ({ action, force }: { action: Action; force: boolean }) =>
      action === "delete"
        ? call("DELETE", path`/api/v1/runs/${run.id}`, { query: { force: force ? "true" : undefined } })
        : call("POST", path`/api/v1/runs/${run.id}/commands`, { body: action === "resume" ? { type: action, from_scratch: true } : { type: action } }),
    onSuccess: async (_, { action }) => {
      onDone();
      void client.invalidateQueries({ queryKey: keys.runs });
      if (action !== "delete") return client.invalidateQueries({ queryKey: keys.run(run.id) });
      client.removeQueries({ queryKey: keys.run(run.id) });
      return navigate({ to: "/runs" });
    },
  });
}
