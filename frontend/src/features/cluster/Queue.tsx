import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { runsQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { plural } from "@/shared/format/numbers";
import { ago } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";

const MOST = 200;
const EVERY_MS = 5000;

/** The runs that wait, in the order of their priority, and why. */
export function Queue() {
  const queued = useQuery({ ...runsQuery({ state: "queued", limit: MOST }), refetchInterval: EVERY_MS });
  const now = useNow(10_000);
  return (
    <section className="card" aria-label="Queue">
      <div className="card-head">
        <h2>Queue</h2>
        {queued.data && <span className="muted">{plural(queued.data.items.length, "run")} waiting</span>}
      </div>
      <Loaded query={queued}>
        {({ items }) => (items.length === 0 ? <Notice title="Nobody waits" /> : <QueueTable runs={inOrder(items)} now={now} />)}
      </Loaded>
    </section>
  );
}

function inOrder(runs: readonly Run[]): Run[] {
  return [...runs].sort((a, b) => b.spec.compute.priority - a.spec.compute.priority || Date.parse(a.created_at) - Date.parse(b.created_at));
}

function QueueTable({ runs, now }: { runs: readonly Run[]; now: number }) {
  return (
    <div className="table-scroll">
      <table className="table queue-table">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Why it waits</th>
            <th scope="col" className="number">Priority</th>
            <th scope="col" className="number">Slots</th>
            <th scope="col" className="number">Submitted</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td>
                <Link to="/runs/$runId/$tab" params={{ runId: run.id, tab: "charts" }}>
                  {run.name}
                </Link>
              </td>
              <td className="queue-reason">{run.reason || "not looked at yet"}</td>
              <td className="number">{run.spec.compute.priority}</td>
              <td className="number">{run.spec.compute.processes_per_node}</td>
              <td className="number muted">{ago(run.created_at, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
