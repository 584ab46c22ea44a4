import { useQuery } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { path } from "@/shared/api/client";
import { refusalOf } from "@/shared/api/problem";
import { commandsQuery, eventsQuery, runQuery } from "@/shared/api/queries";
import type { Checkpoint } from "@/shared/api/types";
import { useDescendant } from "@/shared/api/useDescendant";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Field } from "@/shared/ui/Field";
import { ErrorBanner } from "@/shared/ui/Notice";
import { bodyOf, FIELDS, valueAt, type Path, type Typed } from "./forking";

interface Props {
  checkpoint: Checkpoint;
  opener: HTMLElement | null;
  onClose: () => void;
}

const PATHS = FIELDS.map((field) => field.path);

/** The changes that hold, as far as they are known. */
function useChanges(runId: string) {
  const { data: changes } = useQuery(eventsQuery(runId, "HyperparametersChanged"));
  const { data: commands } = useQuery(commandsQuery(runId));
  const undone = new Set(commands?.items.filter((command) => command.undone).map(({ command_id }) => command_id));
  return commands && changes?.map(({ event }) => event).filter(({ command_id }) => !undone.has(command_id));
}

/** A new run that goes on from a checkpoint, with what is typed here changed. */
export function ForkDialog({ checkpoint, opener, onClose }: Props) {
  const { data: source } = useQuery(runQuery(checkpoint.run_id));
  const changes = useChanges(checkpoint.run_id);
  const [typed, setTyped] = useState<Typed>({});
  const fork = useDescendant(path`/api/v1/runs/${checkpoint.run_id}/fork`, () => ({ checkpoint_id: checkpoint.id, ...bodyOf(typed) }));
  const { at, rest } = refusalOf(fork.error, PATHS, "overrides.");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    fork.mutate();
  };
  const type = (place: Path, text: string) => {
    if (fork.isError) fork.reset(); // what is refused is being mended
    setTyped({ ...typed, [place]: text });
  };
  return (
    <Dialog title={`Fork ${checkpoint.run_name} at step ${integer(checkpoint.step)}`} opener={opener} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p className="muted">Weights, optimizer and the place in the data go on. What is left empty stays as it was at this checkpoint.</p>
        <Fields typed={typed} errors={at} placeholder={(field) => source && valueAt(checkpoint, source, changes, field)} onType={type} />
        {rest && <ErrorBanner error={rest} />}
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={fork.isPending}>
            Fork
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

interface FieldsProps {
  typed: Typed;
  errors: ReadonlyMap<string, string>;
  placeholder: (field: Path) => string | undefined;
  onType: (field: Path, text: string) => void;
}

function Fields({ typed, errors, placeholder, onType }: FieldsProps) {
  return FIELDS.map(({ path: field, label, hint }) => (
    <Field key={field} label={label} hint={hint} error={errors.get(field)}>
      {(control) => (
        <input
          className="input"
          inputMode={field === "name" ? undefined : "decimal"}
          placeholder={placeholder(field)}
          value={typed[field] ?? ""}
          {...control}
          onChange={({ target }) => onType(field, target.value)}
        />
      )}
    </Field>
  ));
}
