import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { call } from "@/shared/api/client";
import { refusalOf } from "@/shared/api/problem";
import { keys } from "@/shared/api/queries";
import type { NewNotificationTarget, NotificationTopic } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { Field } from "@/shared/ui/Field";
import { ErrorBanner } from "@/shared/ui/Notice";
import { Segments } from "@/shared/ui/Segments";
import { Snippet } from "@/shared/ui/Snippet";
import { DEFAULT_TOPICS, TOPICS } from "./queries";

const KINDS = [
  ["webhook", "Webhook"],
  ["slack", "Slack"],
] as const;

export function TargetForm() {
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [kind, setKind] = useState<"webhook" | "slack">("webhook");
  const [events, setEvents] = useState<readonly NotificationTopic[]>(DEFAULT_TOPICS);
  const add = useAdd(() => {
    setName("");
    setUrl("");
  });
  const { at, rest } = refusalOf(add.error, ["name", "url", "events"]);
  return (
    <section className="card" aria-label="Add a target">
      <div className="card-head">
        <h2>Add a target</h2>
        <Segments label="Kind" value={kind} options={KINDS} onChange={setKind} />
      </div>
      <form
        className="card-body stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate({ name: name.trim(), kind, url: url.trim(), events });
        }}
      >
        <div className="notification-form">
          <Field label="Name" error={at.get("name")}>
            {(control) => <input className="input" {...control} value={name} maxLength={100} onChange={({ target }) => setName(target.value)} />}
          </Field>
          <Address kind={kind} url={url} error={at.get("url")} onChange={setUrl} />
          <Topics chosen={events} onChange={setEvents} />
        </div>
        {at.get("events") && <p className="field-error">{at.get("events")}</p>}
        {rest && <ErrorBanner error={rest} />}
        <AddButton busy={add.isPending} />
        {add.data?.secret && <Secret secret={add.data.secret} />}
      </form>
    </section>
  );
}

function useAdd(onAdded: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: unknown) => call<NewNotificationTarget>("POST", "/api/v1/notifications", { body }),
    onSuccess: () => {
      onAdded();
      return client.invalidateQueries({ queryKey: keys.notifications });
    },
  });
}

function Address({ kind, url, error, onChange }: { kind: "webhook" | "slack"; url: string; error: string | undefined; onChange: (url: string) => void }) {
  const hint = kind === "slack" ? "of the channel's incoming webhook; it is not shown again" : "where to POST; it is not shown again";
  return (
    <Field label="Address" error={error} hint={hint}>
      {(control) => <input className="input" type="url" autoComplete="off" {...control} value={url} maxLength={2000} onChange={({ target }) => onChange(target.value)} />}
    </Field>
  );
}

function AddButton({ busy }: { busy: boolean }) {
  return (
    <div className="row">
      <Button kind="primary" type="submit" disabled={busy}>
        <Plus size={14} aria-hidden /> Add
      </Button>
    </div>
  );
}

function Topics({ chosen, onChange }: { chosen: readonly NotificationTopic[]; onChange: (chosen: readonly NotificationTopic[]) => void }) {
  return (
    <fieldset className="notification-events">
      <legend>Tell it of</legend>
      {TOPICS.map(([topic, words]) => (
        <label key={topic}>
          <input type="checkbox" checked={chosen.includes(topic)} onChange={({ target }) => onChange(target.checked ? [...chosen, topic] : chosen.filter((each) => each !== topic))} />
          {words}
        </label>
      ))}
    </fieldset>
  );
}

function Secret({ secret }: { secret: string }) {
  return (
    <div className="stack" role="status">
      <p>This secret signs what is sent. It is shown this once: keep it where the receiver checks signatures.</p>
      <Snippet text={secret} label="secret" />
    </div>
  );
}
