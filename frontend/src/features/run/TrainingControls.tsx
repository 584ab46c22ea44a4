import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleStop, Copy, OctagonX, Trash2 } from "lucide-react";
import { useRef, useState, type Ref } from "react";
import { hasEnded, meQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { whyNot } from "./actions";
import { Again } from "./Again";
import { Confirmed, type Action } from "./Confirmed";
import { Menu, MenuItem } from "./Menu";
import { Steering } from "./Steering";

/** What a person may do with a run. */
export function TrainingControls({ run }: { run: Run }) {
  const { data: me } = useQuery(meQuery);
  if (me?.role === "viewer") {
    return (
      <Link to="/runs/new" search={{ from: run.id }} className="button">
        <Copy size={14} aria-hidden /> Start from this
      </Link>
    );
  }
  return (
    <div className="row run-controls">
      <Steering run={run} />
      <Again run={run} />
      <Ending run={run} />
      {run.state === "stopping" && <p className="muted run-told">It is stopping: it saves a checkpoint and ends. Until then it can only be killed.</p>}
    </div>
  );
}

function Ending({ run }: { run: Run }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  return (
    <>
      <EndingMenu run={run} button={opener} onAsk={setAsked} />
      {asked && <Confirmed run={run} action={asked} opener={opener} onClose={() => setAsked(null)} />}
    </>
  );
}

interface MenuProps {
  run: Run;
  button: Ref<HTMLButtonElement>;
  onAsk: (action: Action) => void;
}

function EndingMenu({ run, button, onAsk }: MenuProps) {
  if (hasEnded(run)) {
    return (
      <button ref={button} className="button" type="button" onClick={() => onAsk("delete")}>
        <Trash2 size={14} aria-hidden /> Delete
      </button>
    );
  }
  const noStop = run.state === "stopping" ? "it is doing so" : whyNot(run, "stop");
  return (
    <Menu label="Stop" icon={CircleStop} button={button}>
      <MenuItem icon={CircleStop} text="Stop gracefully" about={noStop ?? "finish the step, save a checkpoint, end"} disabled={noStop !== null} onSelect={() => onAsk("stop")} />
      <MenuItem icon={OctagonX} text="Kill now" about="end the processes at once, without a checkpoint" onSelect={() => onAsk("kill")} />
    </Menu>
  );
}
