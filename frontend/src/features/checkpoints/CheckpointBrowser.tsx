import "./checkpoints.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Package } from "lucide-react";
import { checkpointsQuery, runsQuery } from "@/shared/api/queries";
import type { Checkpoint, Run } from "@/shared/api/types";
import { bytes, plural } from "@/shared/format/numbers";
import { runColour } from "@/shared/runColour";
import { Loaded } from "@/shared/ui/Loaded";
import { InfoBanner, Notice } from "@/shared/ui/Notice";
import { CheckpointTable } from "./CheckpointTable";

/** Checkpoints of one run, or of all runs, by run. */
export function CheckpointBrowser({ run }: { run?: Run }) {
  const checkpoints = useQuery(checkpointsQuery(run?.id));
  return (
    <Loaded query={checkpoints}>
      {({ items, next_cursor }) => {
        if (items.length === 0) return <NoCheckpoints run={run} />;
        return (
          <div className="stack">
            {next_cursor !== null && <InfoBanner>These are the newest {items.length} checkpoints.</InfoBanner>}
            {run ? <Group items={items} /> : <ByRun items={items} />}
          </div>
        );
      }}
    </Loaded>
  );
}

function NoCheckpoints({ run }: { run: Run | undefined }) {
  return (
    <Notice icon={<Package size={28} aria-hidden />} title="No checkpoints yet">
      {run ? (
        <p>This run saves one every {run.spec.train.checkpoint.every} steps and when it is stopped.</p>
      ) : (
        <p>
          Runs save checkpoints as they train. <Link to="/runs/new">Start a run</Link>
        </p>
      )}
    </Notice>
  );
}

function ByRun({ items }: { items: readonly Checkpoint[] }) {
  const { data: runs } = useQuery(runsQuery({ limit: 200 }));
  const groups = Map.groupBy(items, ({ run_id }) => run_id);
  return (
    <>
      {[...groups].map(([runId, members]) => (
        <Group key={runId} runId={runId} name={runs?.items.find(({ id }) => id === runId)?.name ?? runId} items={members} />
      ))}
    </>
  );
}

function Group({ runId, name, items }: { runId?: string; name?: string; items: readonly Checkpoint[] }) {
  const total = items.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
  return (
    <section className="card" aria-label={name ?? "Checkpoints"}>
      <div className="card-head">
        {runId === undefined ? (
          <h2>Checkpoints</h2>
        ) : (
          <h2 className="checkpoint-run">
            <span className="dot" style={{ background: runColour(runId) }} aria-hidden />
            <Link to="/runs/$runId/$tab" params={{ runId, tab: "checkpoints" }}>
              {name}
            </Link>
          </h2>
        )}
        <span className="muted">
          {plural(items.length, "checkpoint")}, {bytes(total)}
        </span>
      </div>
      <CheckpointTable items={items} />
    </section>
  );
}
