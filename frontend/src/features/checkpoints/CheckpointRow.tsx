import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, LoaderCircle, MessageSquareText, Pin, PinOff, TriangleAlert } from "lucide-react";
import { useState } from "react";
import type { Checkpoint } from "@/shared/api/types";
import { bytes, integer, loss } from "@/shared/format/numbers";
import { ago, exactTime } from "@/shared/format/time";
import { IconButton } from "@/shared/ui/Button";
import { ErrorBanner } from "@/shared/ui/Notice";
import { CheckpointDetails } from "./CheckpointDetails";
import { CheckpointMenu } from "./CheckpointMenu";
import { ToldBadge } from "./ToldBadge";
import { COLUMNS } from "./columns";
import type { Desk } from "./desk";
import { useRowActions, type RowActions } from "./useRowActions";
import { keeping, trust } from "./words";

interface Props {
  checkpoint: Checkpoint;
  now: number;
  desk: Desk;
}

/** A checkpoint: its line, what is wrong with it, and its details where they are open. */
export function CheckpointRow({ checkpoint, now, desk }: Props) {
  const [open, setOpen] = useState(false);
  const actions = useRowActions(checkpoint, desk);
  return (
    <tbody data-state={checkpoint.state}>
      <Line checkpoint={checkpoint} now={now} desk={desk} actions={actions} open={open} onToggle={() => setOpen(!open)} />
      {checkpoint.state === "damaged" && (
        <tr className="checkpoint-more">
          <td colSpan={COLUMNS}>
            <p className="checkpoint-damage">
              <TriangleAlert size={14} aria-hidden /> <span>{checkpoint.damage}</span>
            </p>
          </td>
        </tr>
      )}
      {actions.failure !== null && (
        <tr className="checkpoint-more">
          <td colSpan={COLUMNS}>
            <ErrorBanner error={actions.failure} />
          </td>
        </tr>
      )}
      {open && <CheckpointDetails checkpoint={checkpoint} />}
    </tbody>
  );
}

interface LineProps extends Props {
  actions: RowActions;
  open: boolean;
  onToggle: () => void;
}

function Line({ checkpoint, now, desk, actions, open, onToggle }: LineProps) {
  const { id, step, metrics, created_at, state } = checkpoint;
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <tr className="checkpoint-line">
      <td>
        <input
          type="checkbox"
          aria-label={`Choose step ${integer(step)}`}
          disabled={state === "deleting"}
          checked={desk.chosen.has(id)}
          onChange={({ target }) => desk.choose([id], target.checked)}
        />
      </td>
      <td>
        <IconButton label={`Details of step ${integer(step)}`} aria-expanded={open} onClick={onToggle}>
          <Chevron size={14} aria-hidden />
        </IconButton>
      </td>
      <td className="number">
        <strong>{integer(step)}</strong>
      </td>
      <td className="number">{loss(metrics["train/loss"])}</td>
      <td className="number wide">{loss(metrics["val/loss"])}</td>
      <td className="number">{bytes(checkpoint.bytes)}</td>
      <td className="checkpoint-state">
        <State checkpoint={checkpoint} now={now} verifying={actions.verifying} />
      </td>
      <td className="wide muted" title={exactTime(created_at)}>
        {ago(created_at, now)}
      </td>
      <td className="checkpoint-actions">{state !== "deleting" && <Actions checkpoint={checkpoint} desk={desk} actions={actions} />}</td>
    </tr>
  );
}

function State({ checkpoint, now, verifying }: { checkpoint: Checkpoint; now: number; verifying: boolean }) {
  return (
    <div className="checkpoint-badges">
      {verifying ? (
        <span className="badge" data-tone="info">
          <LoaderCircle size={14} aria-hidden /> reading back…
        </span>
      ) : (
        <ToldBadge told={trust(checkpoint, now)} />
      )}
      <span className="row">
        {keeping(checkpoint, now).map((told) => (
          <ToldBadge key={told.about} told={told} />
        ))}
      </span>
    </div>
  );
}

function Actions({ checkpoint, desk, actions }: { checkpoint: Checkpoint; desk: Desk; actions: RowActions }) {
  const { id, step, state, pinned } = checkpoint;
  const Icon = pinned ? PinOff : Pin;
  return (
    <span className="checkpoint-buttons">
      {desk.mayWrite && (
        <span className="wide">
          <IconButton label={`${pinned ? "Unpin" : "Pin"} step ${integer(step)}`} disabled={actions.busy} onClick={actions.togglePin}>
            <Icon size={14} aria-hidden />
          </IconButton>
        </span>
      )}
      {state === "committed" && (
        <Link
          to="/playground"
          search={{ checkpoint: id }}
          className="button wide"
          data-kind="quiet"
          aria-label={`Try step ${integer(step)} in the playground`}
        >
          <MessageSquareText size={14} aria-hidden /> Try
        </Link>
      )}
      <CheckpointMenu checkpoint={checkpoint} desk={desk} actions={actions} />
    </span>
  );
}
