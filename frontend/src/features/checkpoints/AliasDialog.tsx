import { useQuery } from "@tanstack/react-query";
import { Tag, X } from "lucide-react";
import { useId, useState, type SubmitEvent } from "react";
import { asProblem, type Problem } from "@/shared/api/problem";
import type { Alias, ChangedCheckpoint, Checkpoint } from "@/shared/api/types";
import { Button, IconButton } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Field } from "@/shared/ui/Field";
import { ErrorBanner } from "@/shared/ui/Notice";
import { aliasesQuery, checkpointQuery, useChange } from "./queries";
import { nameOf } from "./words";

interface Props {
  checkpoint: Checkpoint;
  opener: HTMLElement | null;
  onSay: (text: string) => void;
  onClose: () => void;
}

/** Gives a checkpoint a name that others rely on, and says which checkpoint has that name now. */
export function AliasDialog({ checkpoint, opener, onSay, onClose }: Props) {
  const change = useChange(checkpoint.id);
  const give = (name: string) => {
    const done = (changed: ChangedCheckpoint) => {
      onSay(`${nameOf(changed)} has the alias ${name} now.`);
      onClose();
    };
    change.mutate({ aliases: [...new Set([...checkpoint.aliases, name])] }, { onSuccess: done });
  };
  const remove = (name: string) =>
    change.mutate({ aliases: checkpoint.aliases.filter((each) => each !== name) }, { onSuccess: () => onSay(`The alias ${name} is gone.`) });
  return (
    <Dialog title={`Aliases of ${nameOf(checkpoint)}`} opener={opener} onClose={onClose}>
      <p className="muted">
        An alias names one checkpoint of project {checkpoint.project}, such as <code>production</code>. What has one is never deleted.
      </p>
      {checkpoint.aliases.length > 0 && <Present names={checkpoint.aliases} busy={change.isPending} onRemove={remove} />}
      <NewAlias
        checkpoint={checkpoint}
        busy={change.isPending}
        problem={change.isError ? asProblem(change.error) : null}
        onGive={give}
        onClose={onClose}
      />
    </Dialog>
  );
}

interface NewProps {
  checkpoint: Checkpoint;
  busy: boolean;
  problem: Problem | null;
  onGive: (name: string) => void;
  onClose: () => void;
}

function NewAlias({ checkpoint, busy, problem, onGive, onClose }: NewProps) {
  const [name, setName] = useState("");
  const { data } = useQuery(aliasesQuery);
  const lists = useId();
  const known = (data?.items ?? []).filter(({ project }) => project === checkpoint.project);
  const present = known.find((alias) => alias.name === name && alias.checkpoint_id !== checkpoint.id);
  const give = (event: SubmitEvent) => {
    event.preventDefault();
    onGive(name);
  };
  return (
    <form className="stack" onSubmit={give}>
      <Field label="Alias" hint="lower-case letters, digits, '.', '_', '-'" error={problem?.errors[0]?.message}>
        {(control) => (
          <input {...control} className="input" list={lists} autoComplete="off" spellCheck={false} value={name} onChange={({ target }) => setName(target.value.trim())} />
        )}
      </Field>
      <datalist id={lists}>
        {known.map((alias) => (
          <option key={alias.name} value={alias.name} />
        ))}
      </datalist>
      <p role="status">{present && <Holder alias={present} />}</p>
      {problem && problem.errors.length === 0 && <ErrorBanner error={problem} />}
      <DialogButtons>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" type="submit" disabled={name === "" || busy}>
          {present ? "Move the alias here" : "Give it the alias"}
        </Button>
      </DialogButtons>
    </form>
  );
}

function Present({ names, busy, onRemove }: { names: readonly string[]; busy: boolean; onRemove: (name: string) => void }) {
  return (
    <ul className="row" aria-label="Its aliases">
      {names.map((name) => (
        <li key={name} className="badge" data-tone="info">
          <Tag size={14} aria-hidden /> {name}
          <IconButton label={`Remove the alias ${name}`} disabled={busy} onClick={() => onRemove(name)}>
            <X size={12} aria-hidden />
          </IconButton>
        </li>
      ))}
    </ul>
  );
}

/** Which checkpoint has the alias now. */
function Holder({ alias }: { alias: Alias }) {
  const { data } = useQuery(checkpointQuery(alias.checkpoint_id));
  return (
    <>
      <strong>{alias.name}</strong> is {data ? nameOf(data) : alias.checkpoint_id} now, set by {alias.moved_by}. It moves here, and that one may then be deleted
      unless something else keeps it.
    </>
  );
}
