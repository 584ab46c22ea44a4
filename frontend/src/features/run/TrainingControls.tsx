import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronDown, CircleStop, Copy, OctagonX, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useRef, useState, type Ref } from "react";
import { call, path } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { hasEnded, keys, meQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { ErrorBanner } from "@/shared/ui/Notice";

type Action = "stop" | "kill" | "delete";

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
  delete: {
    title: ({ name }) => `Delete ${name}?`,
    about: () => "The run and all its checkpoints are deleted. This cannot be undone.",
    button: "Delete run and checkpoints",
  },
};

/** What a person may do with a run. */
export function TrainingControls({ run }: { run: Run }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const { data: me } = useQuery(meQuery);
  const act = useAction(run, () => setAsked(null));
  const ask = (action: Action) => {
    act.reset();
    setAsked(action);
  };
  const texts = asked && ACTIONS[asked];
  // The refusal names what a person keeps; who has read it may go on.
  const needed = asked === "delete" && act.isError && asProblem(act.error).code === "checkpoint-needed";
  const mayWrite = me?.role !== "viewer";
  return (
    <div className="row">
      <Link to="/runs/new" search={{ from: run.id }} className="button">
        <Copy size={14} aria-hidden /> Start from this
      </Link>
      {mayWrite && <ActionsMenu run={run} button={opener} onAsk={ask} />}
      {texts && (
        <ConfirmDialog
          open
          title={texts.title(run)}
          action={needed ? "Delete them all the same" : texts.button}
          busy={act.isPending}
          opener={opener}
          onConfirm={() => act.mutate({ action: asked, force: needed })}
          onClose={() => setAsked(null)}
        >
          <p>{texts.about(run)}</p>
          {act.isError && <ErrorBanner error={act.error} />}
        </ConfirmDialog>
      )}
    </div>
  );
}

function useAction(run: Run, onDone: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: ({ action, force }: { action: Action; force: boolean }) =>
      action === "delete"
        ? call("DELETE", path`/api/v1/runs/${run.id}`, { query: { force: force ? "true" : undefined } })
        : call("POST", path`/api/v1/runs/${run.id}/commands`, { body: { type: action } }),
    onSuccess: async (_, { action }) => {
      onDone();
      void client.invalidateQueries({ queryKey: keys.runs });
      if (action !== "delete") return client.invalidateQueries({ queryKey: keys.run(run.id) });
      client.removeQueries({ queryKey: keys.run(run.id) });
      return navigate({ to: "/runs" });
    },
  });
}

interface MenuProps {
  run: Run;
  button: Ref<HTMLButtonElement>;
  onAsk: (action: Action) => void;
}

function ActionsMenu({ run, button, onAsk }: MenuProps) {
  if (hasEnded(run)) {
    return (
      <button ref={button} className="button" type="button" onClick={() => onAsk("delete")}>
        <Trash2 size={14} aria-hidden /> Delete
      </button>
    );
  }
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger ref={button} className="button">
        <CircleStop size={14} aria-hidden /> Stop <ChevronDown size={14} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
        <DropdownMenu.Item className="menu-item" disabled={run.state === "stopping"} onSelect={() => onAsk("stop")}>
          <CircleStop size={14} aria-hidden /> Stop gracefully
          <small>finish the step, save a checkpoint, end</small>
        </DropdownMenu.Item>
        <DropdownMenu.Item className="menu-item" onSelect={() => onAsk("kill")}>
          <OctagonX size={14} aria-hidden /> Kill now
          <small>end the processes at once, without a checkpoint</small>
        </DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}
