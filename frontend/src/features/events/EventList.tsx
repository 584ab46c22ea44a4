import "./events.css";
import { useState } from "react";
import { path } from "@/shared/api/client";
import type { AnyEvent, Envelope } from "@/shared/api/types";
import type { GrowingList, Newest } from "@/shared/api/newest";
import { keys } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { useNewest } from "@/shared/api/useNewest";
import { plural } from "@/shared/format/numbers";
import { clockTime, exactTime } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { Older } from "@/shared/ui/Older";
import type { Tone } from "@/shared/ui/RunStateBadge";
import { sentence } from "./sentence";

/** What happened to the run, newest first; points and log lines have their own tabs. */
export function EventList({ run }: { run: Run }) {
  const { query, older } = useNewest([...keys.run(run.id), "events"], events(run.id), { select: asIs });
  return (
    <Loaded query={query}>
      {(known) => (
        <div className="stack">
          <Events items={known.items} />
          {known.older !== null && (
            <Older label="Load older events" older={older}>
              The newest {plural(known.items.length, "event")}.
            </Older>
          )}
        </div>
      )}
    </Loaded>
  );
}

export function events(runId: string): GrowingList<Envelope> {
  return { address: path`/api/v1/runs/${runId}/events`, idOf: ({ producer, producer_seq }) => `${producer} ${String(producer_seq)}`, limit: 200 };
}

function asIs(newest: Newest<Envelope>): Newest<Envelope> {
  return newest;
}

function Events({ items }: { items: readonly Envelope[] }) {
  const [type, setType] = useState("");
  const types = [...new Set(items.map(({ event }) => event.type))].sort();
  const shown = items.filter(({ event }) => type === "" || event.type === type);
  if (items.length === 0) return <Notice title="Nothing happened yet" />;
  return (
    <section className="card" aria-label="Events">
      <div className="card-head">
        <select className="input event-type" aria-label="Type of event" value={type} onChange={({ target }) => setType(target.value)}>
          <option value="">all events</option>
          {types.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <span className="muted">{shown.length} shown</span>
      </div>
      <ol className="events">
        {shown.map((item) => (
          <li key={`${item.producer} ${String(item.producer_seq)}`}>
            <time dateTime={new Date(item.at * 1000).toISOString()} title={exactTime(item.at * 1000)} className="mono muted">
              {clockTime(item.at * 1000)}
            </time>
            <span className="badge event-name" data-tone={toneOf(item.event)}>
              {item.event.type}
            </span>
            <span className="event-text">{sentence(item.event)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function toneOf(event: AnyEvent): Tone {
  if (event.type === "CheckpointDamaged" || event.type === "CheckpointFailed") return "bad";
  if (event.type === "ProcessDied" || event.type === "WorkerLost") return "bad";
  if (event.type === "TrainingEnded") return event.outcome === "failed" ? "bad" : "good";
  if (event.type === "CheckpointCommitted") return "good";
  if (event.type === "CommandRequested" || event.type === "CommandApplied") return "warn";
  if (event.type === "DetectorFired") return event.severity === "info" ? "info" : event.severity === "warning" ? "warn" : "bad";
  if (event.type === "AlertActionTaken") return "warn";
  return event.type.startsWith("Run") ? "info" : "off";
}
