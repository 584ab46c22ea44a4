import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import { useEffect } from "react";
import { keys } from "@/shared/api/queries";
import { bytes, percent, plural } from "@/shared/format/numbers";
import { useStore } from "@/shared/store";
import { Button } from "@/shared/ui/Button";
import { ErrorBanner } from "@/shared/ui/Notice";
import { ProgressBar } from "@/shared/ui/ProgressBar";
import { currentUpload, type PartState, type Uploader, type UploadPart } from "./Uploader";

const WORDS: Record<PartState, string> = {
  waiting: "waits",
  reading: "being read",
  there: "storage has it already",
  sending: "on its way",
  checking: "being checked",
  verified: "verified",
};
const FINISHED: ReadonlySet<PartState> = new Set(["there", "verified"]);

export function UploadStatus({ upload }: { upload: Uploader }) {
  const { phase, parts, problem, version } = useStore(upload.progress);
  const client = useQueryClient();
  const busy = phase === "reading" || phase === "sending" || phase === "finishing";
  useEffect(() => {
    if (phase === "done") void client.invalidateQueries({ queryKey: keys.datasets });
  }, [phase, client]);
  useEffect(() => {
    if (!busy) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [busy]);
  const close = () => {
    if (busy || phase === "failed") upload.cancel();
    currentUpload.set(null);
  };
  return (
    <section className="card" aria-label="Upload">
      <div className="card-head">
        <h2>
          Upload of {plural(upload.files.length, "file")} to {upload.dataset}
        </h2>
        <Button onClick={close}>{busy ? "Cancel" : phase === "done" ? "Upload more" : "Give up"}</Button>
      </div>
      <div className="card-body stack" role="status">
        {phase === "failed" && problem && (
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
              <Button kind="primary" onClick={() => void upload.run()}>
                Go on where it stopped
              </Button>
            </div>
          </>
        )}
        {version && (
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
        )}
        <Total parts={parts} reading={phase === "reading"} />
        <PartList parts={parts} />
      </div>
    </section>
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
