import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queueQuery } from "@/shared/api/queries";
import type { Waiting } from "@/shared/api/types";
import { integer, plural } from "@/shared/format/numbers";
import { ago } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";
import { PauseButton, PausedBanner } from "./QueuePause";

/** The runs that wait, in the order in which the scheduler takes them, and why; and the pause that holds them all. */
export function Queue() {
  const queue = useQuery(queueQuery);
  const now = useNow(10_000);
  return (
    <section className="card" aria-label="Queue">
      <div className="card-head">
        <h2>Queue</h2>
        {queue.data && (
          <span className="row">
            <span className="muted">{plural(queue.data.waiting, "run")} waiting</span>
            {!queue.data.pause && <PauseButton />}
          </span>
        )}
      </div>
      <Loaded query={queue}>
        {({ pause, items, waiting }) => (
          <>
            {pause && <PausedBanner pause={pause} />}
            {items.length === 0 ? <Notice title="Nobody waits" /> : <QueueTable runs={items} now={now} />}
            {waiting > items.length && <p className="card-body muted">and {integer(waiting - items.length)} more</p>}
          </>
        )}
      </Loaded>
    </section>
  );
}

function QueueTable({ runs, now }: { runs: readonly Waiting[]; now: number }) {
  return (
    <div className="table-scroll">
      <table className="table queue-table">
        <thead>
          <tr>
            <th scope="col" className="number">Position</th>
            <th scope="col">Run</th>
            <th scope="col">Why it waits</th>
            <th scope="col" className="number">Priority</th>
            <th scope="col" className="number">Slots</th>
            <th scope="col" className="number">Submitted</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.run_id}>
              <td className="number">{run.position}</td>
              <td>
                <Link to="/runs/$runId/$tab" params={{ runId: run.run_id, tab: "charts" }}>
                  {run.name}
                </Link>
              </td>
              <td className="queue-reason">{run.reason || "not looked at yet"}</td>
              <td className="number">{run.priority}</td>
              <td className="number">{run.processes}</td>
              <td className="number muted">{ago(run.created_at, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
