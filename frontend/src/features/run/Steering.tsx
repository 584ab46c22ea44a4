import { ChevronsRight, Gauge, Lock, LogOut, MessageSquareText, Pause, Play, Save, SlidersHorizontal, type LucideIcon } from "lucide-react";
import { lazy, Suspense, useRef, useState, type RefObject } from "react";
import { asProblem } from "@/shared/api/problem";
import { hasEnded } from "@/shared/api/queries";
import type { CommandBody, CommandType, Run } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { ErrorBanner } from "@/shared/ui/Notice";
import { allows, NAMES, whyNot } from "./actions";
import { Confirmed } from "./Confirmed";
import { Menu, MenuItem } from "./Menu";
import { useCommand } from "./useCommand";

const TuneDialog = lazy(() => import("./TuneDialog"));

/** What is asked of a run that goes on: nothing that needs a second thought. A dialog that is open outlives the run's end. */
export function Steering({ run }: { run: Run }) {
  const [tuning, setTuning] = useState<HTMLElement | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const ask = useCommand(run);
  const needsCheckpoint = ask.isError && asProblem(ask.error).code === "no-checkpoint";
  return (
    <>
      {!hasEnded(run) && <Actions run={run} tune={opener} busy={ask.isPending} onAsk={(body) => ask.mutate(body)} onTune={setTuning} />}
      {ask.isError && !needsCheckpoint && (
        <div className="run-told">
          <ErrorBanner error={ask.error} />
        </div>
      )}
      {needsCheckpoint && <Confirmed run={run} action="resume" opener={opener} onClose={() => ask.reset()} />}
      {tuning && (
        <Suspense fallback={null}>
          <TuneDialog run={run} opener={tuning} onClose={() => setTuning(null)} />
        </Suspense>
      )}
    </>
  );
}

interface ActionsProps {
  run: Run;
  busy: boolean;
  tune: RefObject<HTMLButtonElement | null>;
  onAsk: (body: CommandBody) => void;
  onTune: (opener: HTMLElement) => void;
}

function Actions({ run, busy, tune, onAsk, onTune }: ActionsProps) {
  const noTuning = whyNot(run, "set_hyperparameters");
  return (
    <>
      {run.state === "paused" ? (
        <Button kind="primary" disabled={busy} onClick={() => onAsk({ type: "resume" })}>
          <Play size={14} aria-hidden /> Resume
        </Button>
      ) : (
        <PauseMenu run={run} onAsk={onAsk} />
      )}
      <button ref={tune} className="button" type="button" disabled={noTuning !== null} title={noTuning ?? undefined} onClick={({ currentTarget }) => onTune(currentTarget)}>
        <SlidersHorizontal size={14} aria-hidden /> Tune
      </button>
      <NowMenu run={run} onAsk={onAsk} />
    </>
  );
}

type AskProps = Pick<ActionsProps, "run" | "onAsk">;

function PauseMenu({ run, onAsk }: AskProps) {
  const never = whyNot(run, "pause");
  const noHold = never ?? (run.state === "running" ? null : `it is ${run.state} and holds no slots that it could keep`);
  return (
    <Menu label="Pause" icon={Pause}>
      <MenuItem icon={LogOut} text="Release the slots" about={never ?? "it is saved, and others may train meanwhile"} disabled={never !== null} onSelect={() => onAsk({ type: "pause" })} />
      <MenuItem icon={Lock} text="Hold the slots" about={noHold ?? "it is saved and stands still; resuming takes no time"} disabled={noHold !== null} onSelect={() => onAsk({ type: "pause", hold: true })} />
    </Menu>
  );
}

const NOW: readonly { type: CommandType; icon: LucideIcon; about: string }[] = [
  { type: "save_checkpoint", icon: Save, about: "a checkpoint after the present step" },
  { type: "evaluate", icon: Gauge, about: "the loss on the held-out text" },
  { type: "sample", icon: MessageSquareText, about: "text for the run's own prompts" },
];

function NowMenu({ run, onAsk }: AskProps) {
  return (
    <Menu label="Now" icon={ChevronsRight}>
      {NOW.map(({ type, icon, about }) => (
        <MenuItem key={type} icon={icon} text={NAMES[type]} about={whyNot(run, type) ?? about} disabled={!allows(run, type)} onSelect={() => onAsk({ type })} />
      ))}
    </Menu>
  );
}
