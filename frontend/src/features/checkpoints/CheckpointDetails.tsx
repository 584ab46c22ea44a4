import { Download } from "lucide-react";
import type { ReactNode } from "react";
import { path } from "@/shared/api/client";
import type { Checkpoint } from "@/shared/api/types";
import { bytes, integer, measure, short } from "@/shared/format/numbers";
import { exactTime } from "@/shared/format/time";
import { CopyButton } from "@/shared/ui/Snippet";
import { COLUMNS } from "./columns";

/** Why it is kept, what was measured, and its files. */
export function CheckpointDetails({ checkpoint }: { checkpoint: Checkpoint }) {
  const { id, attempt, tokens, created_at, verified_at, metrics } = checkpoint;
  return (
    <tr className="checkpoint-more">
      <td colSpan={COLUMNS}>
        <div className="stack">
          <dl className="facts">
            <Fact name="Kept because">
              <Reasons checkpoint={checkpoint} />
            </Fact>
            <Fact name="Saved">{exactTime(created_at)}</Fact>
            <Fact name="Hash verified">{verified_at === null ? "never" : exactTime(verified_at)}</Fact>
            <Fact name="Attempt">{integer(attempt)}</Fact>
            <Fact name="Tokens seen">{short(tokens)}</Fact>
            {Object.entries(metrics).map(([name, value]) => (
              <Fact key={name} name={name}>
                {measure(value)}
              </Fact>
            ))}
          </dl>
          <p className="row muted">
            <span className="mono clip">{id}</span> <CopyButton text={id} label="Copy the checkpoint's id" />
          </p>
          <Files checkpoint={checkpoint} />
        </div>
      </td>
    </tr>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Reasons({ checkpoint: { kept_because, expires_at, state } }: { checkpoint: Checkpoint }) {
  if (kept_because.length > 0) {
    return (
      <ul>
        {kept_because.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    );
  }
  if (state === "deleting") return "it is being deleted";
  return expires_at === null ? "nothing keeps it" : `nothing keeps it: deleted on ${exactTime(expires_at)}`;
}

function Files({ checkpoint: { id, files } }: { checkpoint: Checkpoint }) {
  return (
    <ul className="checkpoint-files">
      {files.map(({ name, bytes: size, sha256 }) => (
        <li key={name}>
          <a href={path`/api/v1/checkpoints/${id}/files/${name}`} download={name}>
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
  );
}
