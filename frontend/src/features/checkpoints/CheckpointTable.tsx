import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, Download, MessageSquareText } from "lucide-react";
import { Fragment, useState } from "react";
import { path } from "@/shared/api/client";
import type { Checkpoint } from "@/shared/api/types";
import { bytes, integer, loss, short } from "@/shared/format/numbers";
import { ago, exactTime } from "@/shared/format/time";
import { IconButton } from "@/shared/ui/Button";
import { CopyButton } from "@/shared/ui/Snippet";
import { useNow } from "@/shared/useNow";

const COLUMNS = 8;

export function CheckpointTable({ items }: { items: readonly Checkpoint[] }) {
  const [open, setOpen] = useState<string | null>(null);
  const now = useNow(30_000);
  return (
    <div className="table-scroll">
      <table className="table checkpoint-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Files</span>
            </th>
            <th scope="col" className="number">Step</th>
            <th scope="col" className="number">Loss</th>
            <th scope="col" className="number">Val. loss</th>
            <th scope="col" className="number wide">Tokens</th>
            <th scope="col" className="number">Size</th>
            <th scope="col" className="wide">Saved</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((checkpoint) => (
            <Fragment key={checkpoint.id}>
              <Row
                checkpoint={checkpoint}
                now={now}
                open={open === checkpoint.id}
                onToggle={() => setOpen(open === checkpoint.id ? null : checkpoint.id)}
              />
              {open === checkpoint.id && <FileRows checkpoint={checkpoint} />}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ checkpoint, now, open, onToggle }: { checkpoint: Checkpoint; now: number; open: boolean; onToggle: () => void }) {
  const { id, step, metrics, tokens, created_at } = checkpoint;
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <tr>
      <td>
        <IconButton label={`Files of step ${integer(step)}`} aria-expanded={open} onClick={onToggle}>
          <Chevron size={14} aria-hidden />
        </IconButton>
      </td>
      <td className="number">
        <strong>{integer(step)}</strong>
      </td>
      <td className="number">{loss(metrics["train/loss"])}</td>
      <td className="number">{loss(metrics["val/loss"])}</td>
      <td className="number wide">{short(tokens)}</td>
      <td className="number">{bytes(checkpoint.bytes)}</td>
      <td className="wide muted" title={exactTime(created_at)}>
        {ago(created_at, now)}
      </td>
      <td>
        <Link to="/playground" search={{ checkpoint: id }} className="button" data-kind="quiet" aria-label={`Try step ${integer(step)} in the playground`}>
          <MessageSquareText size={14} aria-hidden /> Try
        </Link>
      </td>
    </tr>
  );
}

function FileRows({ checkpoint }: { checkpoint: Checkpoint }) {
  return (
    <tr className="checkpoint-files">
      <td colSpan={COLUMNS}>
        <p className="muted">
          <span className="mono">{checkpoint.id}</span> <CopyButton text={checkpoint.id} label="Copy the checkpoint's id" />
        </p>
        <ul>
          {checkpoint.files.map(({ name, bytes: size, sha256 }) => (
            <li key={name}>
              <a href={path`/api/v1/checkpoints/${checkpoint.id}/files/${name}`} download={name}>
                <Download size={12} aria-hidden /> {name}
              </a>
              <span>{bytes(size)}</span>
              <span className="row hash">
                <span className="muted">sha256</span> <code title={sha256}>{sha256.slice(0, 16)}…</code>
                <CopyButton text={sha256} label={`Copy the hash of ${name}`} />
              </span>
            </li>
          ))}
        </ul>
      </td>
    </tr>
  );
}
