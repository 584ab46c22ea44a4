import "./cluster.css";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleSlash, OctagonX, Server, Unplug } from "lucide-react";
import { isActive, runsQuery, workersQuery } from "@/shared/api/queries";
import type { Run, Worker } from "@/shared/api/types";
import { plural } from "@/shared/format/numbers";
import { ago } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { Snippet } from "@/shared/ui/Snippet";
import { useNow } from "@/shared/useNow";
import { slotsOnline } from "@/shared/workers/slots";
import { DrainButton } from "./DrainButton";
import { HostReadings } from "./HostReadings";
import { Queue } from "./Queue";
import { SlotBar, SlotTable } from "./Slots";

const NEWEST = 200;

/** Who trains, on what, and who waits for it. */
export function ClusterOverview() {
  const workers = useQuery(workersQuery);
  const runs = useQuery(runsQuery({ limit: NEWEST }));
  return (
    <>
      {runs.isError && <ErrorBanner error={runs.error} />}
      <Loaded query={workers}>{({ items }) => (items.length === 0 ? <NoWorkers /> : <Workers workers={items} runs={runs.data?.items} />)}</Loaded>
      <Queue />
    </>
  );
}

function NoWorkers() {
  return (
    <section className="card">
      <Notice icon={<Server size={28} aria-hidden />} title="No worker has joined">
        <p>Runs wait until a machine offers its slots. On one machine, the worker starts with everything else:</p>
        <Snippet text="./run up" label="command that starts everything" />
      </Notice>
    </section>
  );
}

/** `known`: undefined while the runs are not. */
function Workers({ workers, runs: known }: { workers: readonly Worker[]; runs: readonly Run[] | undefined }) {
  const now = useNow();
  const runs = known ?? [];
  const online = slotsOnline(workers);
  const busy = online.filter(({ run_id }) => run_id !== null).length;
  return (
    <>
      <section className="card card-body stack" aria-label="Slots">
        <div className="row spread">
          <h2>
            {busy} of {plural(online.length, "slot")} busy
          </h2>
          {known && <span className="muted">{plural(known.filter(isActive).length, "active run")}</span>}
        </div>
        <SlotBar slots={online} runs={runs} />
      </section>
      <ul className="workers" aria-label="Workers">
        {workers.map((worker) => (
          <WorkerCard key={worker.name} worker={worker} runs={runs} now={now} />
        ))}
      </ul>
    </>
  );
}

const STATES = {
  online: { Icon: CircleCheck, tone: "good" },
  draining: { Icon: CircleSlash, tone: "warn" },
  halted: { Icon: OctagonX, tone: "bad" },
  refused: { Icon: CircleSlash, tone: "bad" },
  lost: { Icon: Unplug, tone: "bad" },
} as const;

function WorkerCard({ worker, runs, now }: { worker: Worker; runs: readonly Run[]; now: number }) {
  const { Icon, tone } = STATES[worker.state];
  return (
    <li className="card" data-lost={worker.state === "lost" || undefined}>
      <div className="card-head">
        <h2>{worker.name}</h2>
        <span className="row">
          <span className="badge" data-tone={tone}>
            <Icon size={14} aria-hidden /> {worker.state}
            {worker.state === "lost" && worker.draining && ", to be drained"}
          </span>
          <DrainButton worker={worker} />
        </span>
      </div>
      <div className="card-body stack">
        <p className="muted">
          <span className="mono">{worker.host}</span> · heartbeat {ago(worker.last_heartbeat, now)}
        </p>
        {worker.halted && <p className="run-reason">{worker.halted}</p>}
        <HostReadings worker={worker} now={now} />
        <SlotBar slots={worker.slots} runs={runs} />
        <SlotTable slots={worker.slots} runs={runs} />
      </div>
    </li>
  );
}
