import { ChevronDown, Ellipsis, Pause, Play, SlidersHorizontal } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { lazy, Suspense, useRef, useState, type ReactNode } from "react";
import { asProblem } from "@/shared/api/problem";
import type { CommandBody, CommandType, Run } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { ErrorBanner } from "@/shared/ui/Notice";
import { allows, NAMES } from "./actions";
import { Confirmed } from "./Confirmed";
import { useCommand } from "./useCommand";

const TuneDialog = lazy(() => import("./TuneDialog"));

/** What is asked of a run that goes on: nothing that needs a second thought. */
export function Steering({ run }: { run: Run }) {
  const [tuning, setTuning] = useState<HTMLElement | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const ask = useCommand(run);
  const say = (body: CommandBody) => ask.mutate(body);
  const needsCheckpoint = ask.isError && asProblem(ask.error).code === "no-checkpoint";
  return (
    <>
      {allows(run, "resume") ? (
        <Button kind="primary" disabled={ask.isPending} onClick={() => say({ type: "resume" })}>
          <Play size={14} aria-hidden /> Resume
        </Button>
      ) : (
        <PauseMenu run={run} onAsk={say} />
      )}
      <button ref={opener} className="button" type="button" disabled={!allows(run, "set_hyperparameters")} onClick={({ currentTarget }) => setTuning(currentTarget)}>
        <SlidersHorizontal size={14} aria-hidden /> Tune
      </button>
      <NowMenu run={run} onAsk={say} />
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

interface AskProps {
  run: Run;
  onAsk: (body: CommandBody) => void;
}

function PauseMenu({ run, onAsk }: AskProps) {
  return (
    <Menu label="Pause" icon={<Pause size={14} aria-hidden />} disabled={!allows(run, "pause")}>
      <Item text="Release the slots" about="it is saved, and others may train meanwhile" onSelect={() => onAsk({ type: "pause" })} />
      <Item
        text="Hold the slots"
        about={run.state === "running" ? "it is saved and stands still; resuming takes no time" : "only while it runs"}
        disabled={run.state !== "running"}
        onSelect={() => onAsk({ type: "pause", hold: true })}
      />
    </Menu>
  );
}

const NOW: readonly { type: CommandType; about: string }[] = [
  { type: "save_checkpoint", about: "a checkpoint after the present step" },
  { type: "evaluate", about: "the loss on the held-out text" },
  { type: "sample", about: "of the run's own prompts" },
];

function NowMenu({ run, onAsk }: AskProps) {
  return (
    <Menu label="Now" icon={<Ellipsis size={14} aria-hidden />} disabled={!NOW.some(({ type }) => allows(run, type))}>
      {NOW.map(({ type, about }) => (
        <Item key={type} text={NAMES[type]} about={about} onSelect={() => onAsk({ type })} />
      ))}
    </Menu>
  );
}

interface ButtonMenuProps {
  label: string;
  icon: ReactNode;
  disabled: boolean;
  children: ReactNode;
}

function Menu({ label, icon, disabled, children }: ButtonMenuProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button" disabled={disabled}>
        {icon} {label} <ChevronDown size={14} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

function Item({ text, about, disabled = false, onSelect }: { text: string; about: string; disabled?: boolean; onSelect: () => void }) {
  return (
    <DropdownMenu.Item className="menu-item" disabled={disabled} onSelect={onSelect}>
      {text}
      <small>{about}</small>
    </DropdownMenu.Item>
  );
}
