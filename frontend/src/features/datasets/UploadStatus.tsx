import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import { useEffect } from "react";
import type { Problem } from "@/shared/api/problem";
import { keys } from "@/shared/api/queries";
import type { DatasetVersion } from "@/shared/api/types";
import { bytes, percent, plural } from "@/shared/format/numbers";
import { useStore } from "@/shared/store";
import { Button } from "@/shared/ui/Button";
import { ErrorBanner } from "@/shared/ui/Notice";
import { ProgressBar } from "@/shared/ui/ProgressBar";
import type { PartState, UploadPart, UploadProgress, Uploader } from "./Uploader";

const WORDS: Record<PartState, string> = {
  waiting: "waits",
  reading: "being read",
  there: "storage has it already",
  sending: "on its way",
  checking: "being checked",
  verified: "verified",
};
const FINISHED: ReadonlySet<PartState> = new Set(["there", "verified"]);

/** For screen readers: the parts' bars change far too often to be told. */
const PHASES: Record<UploadProgress["phase"], string> = {
  reading: "Reading and hashing the files",
  sending: "Sending",
  finishing: "Making the version",
  done: "The upload is done",
  failed: "The upload has failed",
  cancelled: "Cancelled",
};

export function UploadStatus({ upload, onClose }: { upload: Uploader; onClose: () => void }) {
  const { phase, parts, problem, version } = useStore(upload.progress);
  const client = useQueryClient();
  const busy = phase === "reading" || phase === "sending" || phase === "finishing";
  useEffect(() => {
    if (phase === "done") void client.invalidateQueries({ queryKey: keys.datasets });
  }, [phase, client]);
  useLeaveWarning(busy);
  return (
    <section className="card" aria-label="Upload">
      <div className="card-head">
        <h2>
          Upload of {plural(upload.files.length, "file")} to {upload.dataset}
        </h2>
        <Button onClick={onClose}>{busy ? "Cancel" : phase === "done" ? "Upload more" : "Change name or files"}</Button>
      </div>
      <div className="card-body stack">
        <p className="visually-hidden" role="status">
          {PHASES[phase]}
        </p>
        {phase === "failed" && problem && <Failure problem={problem} onAgain={() => void upload.run()} />}
        {version && <Done version={version} />}
        <Total parts={parts} reading={phase === "reading"} />
        <PartList parts={parts} />
      </div>
    </section>
  );
}

function useLeaveWarning(busy: boolean): void {
  useEffect(() => {
    if (!busy) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [busy]);
}

function Failure({ problem, onAgain }: { problem: Problem; onAgain: () => void }) {
  return (
    <>
      <ErrorBanner error={problem} />
      <ul>
        {problem.errors.map(({ field, message }) => (
          <li key={field} className="field-error">
            {message}
          </li>
        ))}
      </ul>
      <div className="row">
        <Button kind="primary" onClick={onAgain}>
          Go on where it stopped
        </Button>
      </div>
    </>
  );
}

function Done({ version }: { version: DatasetVersion }) {
  return (
    <p className="row">
      <span className="badge" data-tone="good">
        <CircleCheck size={14} aria-hidden /> done
      </span>
      <span>
        {bytes(version.bytes)} are now{" "}
        <Link to="/datasets/$name" params={{ name: version.dataset }} search={{ version: String(version.version) }}>
          {version.dataset}@{version.version}
        </Link>
      </span>
      <Link to="/runs/new" search={{ dataset: version.dataset }} className="button">
        Train on it
      </Link>
    </p>
  );
}

function Total({ parts, reading }: { parts: readonly UploadPart[]; reading: boolean }) {
  const all = parts.reduce((sum, part) => sum + part.bytes, 0);
  const sent = parts.reduce((sum, part) => sum + (FINISHED.has(part.state) ? part.bytes : part.sent), 0);
  if (all === 0) return <p className="muted">Reading the files…</p>;
  return (
    <div className="stack" style={{ gap: 6 }}>
      <div className="row spread">
        <span>{reading ? "Reading and hashing" : `${bytes(sent)} of ${bytes(all)}`}</span>
        <span>{percent(sent / all)}</span>
      </div>
      <ProgressBar share={sent / all} label="Upload" />
    </div>
  );
}

/** Each part as its own small bar. */
function PartList({ parts }: { parts: readonly UploadPart[] }) {
  return (
    <ol className="upload-parts" aria-label="Parts">
      {parts.map((part, index) => (
        // Parts are never added or moved.
        <li key={index}>
          <span className="muted">Part {index + 1}</span>
          <ProgressBar
            share={FINISHED.has(part.state) ? 1 : part.sent / part.bytes}
            tone={FINISHED.has(part.state) ? "good" : "info"}
            label={`Part ${String(index + 1)}`}
          />
          <span className="muted">
            {bytes(part.bytes)} · {WORDS[part.state]}
          </span>
        </li>
      ))}
    </ol>
  );
}
