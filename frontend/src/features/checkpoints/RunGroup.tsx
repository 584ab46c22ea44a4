import { Link } from "@tanstack/react-router";
import type { Checkpoint } from "@/shared/api/types";
import { bytes, plural } from "@/shared/format/numbers";
import { runColour } from "@/shared/runColour";
import { CheckpointTable } from "./CheckpointTable";
import type { Desk } from "./desk";

interface Props {
  /** Of one run, at least one. */
  items: readonly Checkpoint[];
  /** Whether the run's name leads to it. */
  linked: boolean;
  desk: Desk;
}

export function RunGroup({ items, linked, desk }: Props) {
  const [first] = items;
  if (!first) return null;
  const { run_id, run_name } = first;
  const total = items.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
  return (
    <section className="card" aria-label={run_name}>
      {linked && (
        <div className="card-head">
          <h2 className="checkpoint-run">
            <span className="dot" style={{ background: runColour(run_id) }} aria-hidden />
            <Link to="/runs/$runId/$tab" params={{ runId: run_id, tab: "checkpoints" }}>
              {run_name}
            </Link>
          </h2>
          <span className="muted">
            {plural(items.length, "checkpoint")}, {bytes(total)}
          </span>
        </div>
      )}
      <CheckpointTable name={run_name} items={items} desk={desk} />
    </section>
  );
}
