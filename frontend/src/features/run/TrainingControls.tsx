import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronDown, CircleStop, Copy, OctagonX, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useRef, useState, type Ref } from "react";
import { hasEnded, meQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { Confirmed, type Action } from "./Confirmed";
import { Steering } from "./Steering";

/** What a person may do with a run. */
export function TrainingControls({ run }: { run: Run }) {
  const { data: me } = useQuery(meQuery);
  const mayWrite = me?.role !== "viewer";
  return (
    <div className="row run-controls">
      {mayWrite && !hasEnded(run) && <Steering run={run} />}
      <Link to="/runs/new" search={{ from: run.id }} className="button">
        <Copy size={14} aria-hidden /> Start from this
      </Link>
      {mayWrite && <Ending run={run} />}
    </div>
  );
}

function Ending({ run }: { run: Run }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  return (
    <>
      <ActionsMenu run={run} button={opener} onAsk={setAsked} />
      {asked && <Confirmed run={run} action={asked} opener={opener} onClose={() => setAsked(null)} />}
    </>
  );
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
