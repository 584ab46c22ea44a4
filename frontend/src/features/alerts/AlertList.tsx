import "./alerts.css";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, CircleCheck, TriangleAlert } from "lucide-react";
import { call, path } from "@/shared/api/client";
import { alertsQuery, keys, meQuery } from "@/shared/api/queries";
import type { Alert, Run } from "@/shared/api/types";
import { integer, measure, plural } from "@/shared/format/numbers";
import { ago, exactTime } from "@/shared/format/time";
import { severityTone } from "@/shared/ui/AlertCount";
import { Button } from "@/shared/ui/Button";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";

/** What the detectors have found in this run, newest first. */
export function AlertList({ run }: { run: Run }) {
  const query = useQuery(alertsQuery(run.id));
  return <Loaded query={query}>{({ items, next_cursor: more }) => (items.length === 0 ? <NoAlerts run={run} /> : <Alerts items={items} more={more !== null} />)}</Loaded>;
}

function NoAlerts({ run }: { run: Run }) {
  return (
    <Notice icon={<CircleCheck size={28} aria-hidden />} title="No detector has fired">
      <p>Watched for: {watched(run).join(", ")}. The Config tab shows the section <code>alerts</code>.</p>
    </Notice>
  );
}

/** The detectors that the spec has not switched off. */
export function watched({ spec }: Pick<Run, "spec">): string[] {
  const alerts = spec.alerts as Run["spec"]["alerts"] | undefined; // a run of an older version has none
  const sections = Object.entries(alerts ?? {}).filter(([, section]) => typeof section === "object");
  return sections.filter(([, section]) => (section as { enabled?: boolean }).enabled !== false).map(([name]) => name.replaceAll("_", " "));
}

/** `whose`: what an alert is of, where that is not told by the page. */
export function Alerts({ items, more, whose }: { items: readonly Alert[]; more: boolean; whose?: (alert: Alert) => string }) {
  const now = useNow(10_000);
  return (
    <section className="card" aria-label="Alerts">
      <div className="card-head">
        <h2>Alerts</h2>
        <span className="muted">{more ? `the newest ${plural(items.length, "alert")}` : plural(items.length, "alert")}</span>
      </div>
      <ol>
        {items.map((alert) => (
          <li key={alert.alert_id} className="alert">
            <AlertEntry alert={alert} whose={whose?.(alert)} now={now} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function AlertEntry({ alert, whose, now }: { alert: Alert; whose: string | undefined; now: number }) {
  const open = alert.cleared_at === null;
  return (
    <>
      <div className="alert-head">
        <span className="badge" data-tone={open ? severityTone(alert.severity) : "off"}>
          {open ? <TriangleAlert size={14} aria-hidden /> : <CircleCheck size={14} aria-hidden />} {alert.severity}
        </span>
        <strong>{alert.detector.replaceAll("_", " ")}</strong>
        {whose && <span className="mono">{whose}</span>}
        {alert.step > 0 && <span className="muted">step {integer(alert.step)}, attempt {integer(alert.attempt)}</span>}
        <time className="muted" dateTime={alert.fired_at} title={exactTime(alert.fired_at)}>
          {ago(alert.fired_at, now)}
        </time>
      </div>
      <p className="alert-message">{alert.message}</p>
      <Numbers alert={alert} />
      {open && alert.remedy && <p className="muted">What helps: {alert.remedy}.</p>}
      <Outcome alert={alert} />
      {!open && <p className="muted">Passed {ago(alert.cleared_at, now)}: {alert.cleared}</p>}
      <Acknowledgement alert={alert} now={now} />
    </>
  );
}

function Numbers({ alert }: { alert: Alert }) {
  const numbers = [["value", alert.value], ["threshold", alert.threshold], ...Object.entries(alert.window)] as [string, number | null][];
  return (
    <p className="alert-numbers">
      <code>{alert.metric}</code>
      {numbers.map(([name, value]) => value !== null && <span key={name}>{name.replaceAll("_", " ")} {measure(value)}</span>)}
    </p>
  );
}

/** What was asked of the run, and what became of that. */
function Outcome({ alert: { action } }: { alert: Alert }) {
  if (action.state === "none") return null;
  const what = action.kind === "pause" ? "Pause" : "Rollback";
  if (action.state === "pending") return <p>{what} is being asked for{action.reason && `: ${action.reason}`}</p>;
  if (action.state === "refused") return <p>{what} was refused: {action.reason}</p>;
  return <p>{what} was asked for; the Events tab shows what became of it.</p>;
}

function Acknowledgement({ alert, now }: { alert: Alert; now: number }) {
  const client = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const acknowledge = useMutation({
    mutationFn: () => call("POST", path`/api/v1/alerts/${alert.alert_id}/acknowledge`, { body: {} }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.alerts }),
  });
  if (alert.acknowledged_at !== null) {
    return <p className="muted">Seen by {alert.acknowledged_by} {ago(alert.acknowledged_at, now)}{alert.note && `: ${alert.note}`}</p>;
  }
  if (alert.cleared_at !== null || !me || me.role === "viewer") return null;
  return (
    <div className="row">
      <Button disabled={acknowledge.isPending} onClick={() => acknowledge.mutate()}>
        <Check size={14} aria-hidden /> Acknowledge
      </Button>
      {acknowledge.isError && <ErrorBanner error={acknowledge.error} />}
    </div>
  );
}
