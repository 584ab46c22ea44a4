import "./run.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { asProblem } from "@/shared/api/problem";
import { runQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { runColour } from "@/shared/runColour";
import { InfoBanner } from "@/shared/ui/Notice";
import { integer } from "@/shared/format/numbers";
import { RunStateBadge } from "@/shared/ui/RunStateBadge";
import { CopyButton } from "@/shared/ui/Snippet";
import { ExportMetrics } from "./ExportMetrics";
import { FailureNotice } from "./FailureNotice";
import { CommandLine } from "./CommandLine";
import { TrainingControls } from "./TrainingControls";

export function RunHeader({ run }: { run: Run }) {
  const { dataset, tokenizer } = run.resolved;
  return (
    <header className="stack run-header">
      <div className="page-head">
        <div className="row run-title">
          <span className="dot" style={{ background: runColour(run.id) }} aria-hidden />
          <h1>{run.name}</h1>
          <RunStateBadge state={run.state} />
        </div>
        <div className="row run-actions">
          <ExportMetrics run={run} />
          <TrainingControls run={run} />
        </div>
      </div>
      <p className="muted run-line">
        <span className="mono">{run.id}</span>
        <CopyButton text={run.id} label="Copy the run's id" />
        <span>
          {run.project} · by {run.created_by} · text{" "}
          <Link to="/datasets/$name" params={{ name: dataset.name }} search={{ version: String(dataset.version) }}>
            {dataset.name}@{dataset.version}
          </Link>{" "}
          · tokenizer {tokenizer.name}
          {tokenizer.version > 0 && `@${String(tokenizer.version)}`}
        </span>
      </p>
      <Lineage run={run} />
      <Reason run={run} />
      {run.failure && <FailureNotice run={run} failure={run.failure} />}
      <CommandLine run={run} />
    </header>
  );
}

function Lineage({ run: { parent_id: parent, origin, replay_of: replayed } }: { run: Run }) {
  const source = replayed ?? parent;
  if (!source) return null;
  return (
    <p className="muted run-line">
      {replayed ? "a replay of" : "forked from"} <RunLink id={source} />
      {origin && `${replayed ? "from" : "at"} step ${integer(origin.step)}${replayed ? " on" : ""}`}
      {origin && replayed && parent && (
        <>
          of <RunLink id={parent} />
        </>
      )}
    </p>
  );
}

/** By its name, once that is known. */
function RunLink({ id }: { id: string }) {
  const { data, error } = useQuery({ ...runQuery(id), refetchInterval: false });
  if (!data && error && asProblem(error).status === 404) return <span>{id} (deleted)</span>;
  return (
    <Link to="/runs/$runId/$tab" params={{ runId: id, tab: "charts" }} className={data ? "" : "mono"}>
      {data?.name ?? id}
    </Link>
  );
}

function Reason({ run }: { run: Run }) {
  if (run.reason === "" || run.state === "running" || run.state === "succeeded") return null;
  if (run.state === "failed" && !run.failure) {
    return (
      <div className="banner" role="status">
        <strong>Failed:</strong> <span className="run-reason">{run.reason}</span>
        <Link to="/runs/$runId/$tab" params={{ runId: run.id, tab: "logs" }} search={{ only: "errors" }}>
          Look at the logs
        </Link>
      </div>
    );
  }
  return <InfoBanner>{run.reason}</InfoBanner>;
}
