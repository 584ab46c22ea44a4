import "./notifications.css";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Send, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { call, path } from "@/shared/api/client";
import { keys, meQuery } from "@/shared/api/queries";
import type { NotificationTarget } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { DeliveryList } from "./DeliveryList";
import { TargetForm } from "./TargetForm";
import { TOPICS, targetsQuery } from "./queries";

/** Where alerts and the ends of runs are told, for admins. */
export function NotificationSettings() {
  const { data: me } = useQuery(meQuery);
  if (!me) return <Skeleton lines={8} />;
  if (me.role !== "admin") {
    return (
      <Notice title="For admins">
        <p>Only an admin sees where notifications go, since their addresses are secrets.</p>
      </Notice>
    );
  }
  return (
    <div className="stack">
      <p className="muted">What a run is watched for, and which findings are notified, is in its spec: section alerts, action notify, pause or rollback.</p>
      <Targets />
      <TargetForm />
      <DeliveryList />
    </div>
  );
}

function Targets() {
  const query = useQuery(targetsQuery);
  return (
    <section className="card" aria-label="Targets">
      <div className="card-head">
        <h2>Targets</h2>
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Notice title="Nobody is told yet">
              <p>Add a webhook or a Slack channel below.</p>
            </Notice>
          ) : (
            <TargetTable items={items} />
          )
        }
      </Loaded>
    </section>
  );
}

function TargetTable({ items }: { items: readonly NotificationTarget[] }) {
  return (
    <div className="table-scroll">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Kind</th>
            <th scope="col">Host</th>
            <th scope="col">Is told of</th>
            <th scope="col" className="number">Waiting</th>
            <th scope="col" className="number">Failed</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((target) => (
            <TargetRow key={target.id} target={target} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TargetRow({ target }: { target: NotificationTarget }) {
  const [asked, setAsked] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const client = useQueryClient();
  const fresh = () => client.invalidateQueries({ queryKey: keys.notifications });
  const test = useMutation({ mutationFn: () => call("POST", path`/api/v1/notifications/${target.id}/test`), onSuccess: fresh });
  const remove = useMutation({ mutationFn: () => call("DELETE", path`/api/v1/notifications/${target.id}`), onSuccess: fresh });
  const failed = test.error ?? remove.error;
  return (
    <tr>
      <td>{target.name}</td>
      <td>{target.kind}</td>
      <td className="mono">{target.host}</td>
      <td className="notification-error">{TOPICS.filter(([topic]) => target.events.includes(topic)).map(([, words]) => words).join(", ")}</td>
      <td className="number">{integer(target.waiting)}</td>
      <td className="number">{integer(target.failed)}</td>
      <td>
        <div className="row">
          <Button disabled={test.isPending} aria-label={`Send a test to ${target.name}`} onClick={() => test.mutate()}>
            <Send size={14} aria-hidden /> Test
          </Button>
          <button ref={opener} className="button" type="button" aria-label={`Remove ${target.name}`} onClick={() => setAsked(true)}>
            <Trash2 size={14} aria-hidden />
          </button>
          {failed && <ErrorBanner error={failed} />}
        </div>
        {asked && (
          <ConfirmDialog open title={`Remove ${target.name}?`} action="Remove" busy={remove.isPending} opener={opener} onConfirm={() => remove.mutate()} onClose={() => setAsked(false)}>
            <p>What still waits for it is not sent any more.</p>
          </ConfirmDialog>
        )}
      </td>
    </tr>
  );
}
