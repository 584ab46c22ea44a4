import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Copy, Download, Ellipsis, GitFork, MessageSquareText, Pin, PinOff, ShieldCheck, Tag, Trash2, Undo2, type LucideIcon } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useRef } from "react";
import { path } from "@/shared/api/client";
import { runQuery } from "@/shared/api/queries";
import type { Checkpoint } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import type { Desk } from "./desk";
import type { RowActions } from "./useRowActions";
import { noRollback } from "./words";

interface Props {
  checkpoint: Checkpoint;
  desk: Desk;
  actions: RowActions;
}

/** Everything that can be done with one checkpoint. */
export function CheckpointMenu({ checkpoint, desk, actions }: Props) {
  const trigger = useRef<HTMLButtonElement>(null);
  const label = `More about step ${integer(checkpoint.step)}`;
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger ref={trigger} className="button" data-kind="quiet" data-icon aria-label={label} title={label}>
        <Ellipsis size={16} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={document.querySelector("main")}>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6} collisionPadding={8}>
          {checkpoint.state === "committed" && <ReadingItems checkpoint={checkpoint} />}
          {desk.mayWrite && (
            <WritingItems checkpoint={checkpoint} actions={actions} onAsk={(task) => desk.ask(task, [checkpoint], trigger.current)} />
          )}
          {!desk.mayWrite && checkpoint.state === "damaged" && (
            <DropdownMenu.Item className="menu-item" disabled>
              <ShieldCheck size={14} aria-hidden /> Damaged
              <small>it is never offered for download or in the playground</small>
            </DropdownMenu.Item>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function ReadingItems({ checkpoint: { id } }: { checkpoint: Checkpoint }) {
  const navigate = useNavigate();
  return (
    <>
      <Item icon={MessageSquareText} text="Try in the playground" onSelect={() => void navigate({ to: "/playground", search: { checkpoint: id } })} />
      <DropdownMenu.Item className="menu-item" asChild>
        <a href={path`/api/v1/checkpoints/${id}/download`} download>
          <Download size={14} aria-hidden /> Download
          <small>weights, tokenizer, config and card as one .tar</small>
        </a>
      </DropdownMenu.Item>
    </>
  );
}

interface WritingProps {
  checkpoint: Checkpoint;
  actions: RowActions;
  onAsk: (task: "alias" | "delete" | "fork" | "rollback") => void;
}

function WritingItems({ checkpoint, actions, onAsk }: WritingProps) {
  const { run_id, state, pinned } = checkpoint;
  const navigate = useNavigate();
  const { data: run } = useQuery(runQuery(run_id));
  const never = noRollback(checkpoint, run);
  return (
    <>
      <Item
        icon={pinned ? PinOff : Pin}
        text={pinned ? "Unpin" : "Pin"}
        about={pinned ? "let the run's rules decide again" : "keep it until it is unpinned"}
        disabled={actions.busy}
        onSelect={actions.togglePin}
      />
      {state === "committed" && <Item icon={Tag} text="Aliases…" about="promote it: a name that others can rely on" onSelect={() => onAsk("alias")} />}
      <Item icon={ShieldCheck} text="Verify now" about="read every byte back and compare" disabled={actions.busy} onSelect={actions.verify} />
      <Item icon={Copy} text="Start from this" about="a new run with the same configuration" onSelect={() => void navigate({ to: "/runs/new", search: { from: run_id } })} />
      {state === "committed" && <Item icon={GitFork} text="Fork from this…" about="a new run that goes on from here" onSelect={() => onAsk("fork")} />}
      {state === "committed" && (
        <Item icon={Undo2} text="Roll back to this…" about={never ?? "the run itself goes on from here"} disabled={never !== null} onSelect={() => onAsk("rollback")} />
      )}
      <Item icon={Trash2} text="Delete…" about="first tells what is freed" onSelect={() => onAsk("delete")} />
    </>
  );
}

interface ItemProps {
  icon: LucideIcon;
  text: string;
  about?: string;
  disabled?: boolean;
  onSelect: () => void;
}

function Item({ icon: Icon, text, about, disabled = false, onSelect }: ItemProps) {
  return (
    <DropdownMenu.Item className="menu-item" disabled={disabled} onSelect={onSelect}>
      <Icon size={14} aria-hidden /> {text}
      {about && <small>{about}</small>}
    </DropdownMenu.Item>
  );
}
