import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { refusalOf } from "@/shared/api/problem";
import { commandsQuery, hasEnded, isOpen } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Field, type ControlProps } from "@/shared/ui/Field";
import { ErrorBanner } from "@/shared/ui/Notice";
import { whyNot } from "./actions";
import { Acknowledgement } from "./CommandList";
import { SchedulePreview } from "./SchedulePreview";
import { changed, changesOf, DRAWN, FIELDS, textAt, type TuningField, type Typed } from "./tuning";
import { argumentsText, useCommand } from "./useCommand";

interface Props {
  run: Run;
  opener: HTMLElement | null;
  onClose: () => void;
}

const PATHS = FIELDS.map(({ path }) => path);

/** What is typed, what of it the server refused, and how far that is which was sent. */
function useTuning(run: Run) {
  const [typed, setTyped] = useState<Typed>({});
  const ask = useCommand(run);
  const { data } = useQuery(commandsQuery(run.id));
  const sent = data?.items.find(({ command_id }) => command_id === ask.data?.command_id);
  const changes = changesOf(run.train, typed);
  const { at, rest } = refusalOf(ask.error, PATHS, "changes.");
  return {
    textOf: (path: string) => typed[path] ?? textAt(run.train, path),
    type: (path: string, text: string) => {
      if (ask.isError) ask.reset(); // what is refused is being mended
      setTyped({ ...typed, [path]: text });
    },
    changes,
    told: argumentsText(changes),
    errors: at,
    error: rest,
    sent,
    busy: ask.isPending || (sent !== undefined && isOpen(sent)),
    // What is typed stays: once it is applied it is how the run is, and no change any more; what is rejected can be mended.
    send: () => ask.mutate({ type: "set_hyperparameters", changes }),
  };
}

/** Change hyperparameters of a run that is under way, and see when it took them. */
export default function TuneDialog({ run, opener, onClose }: Props) {
  const { textOf, type, changes, told, errors, error, sent, busy, send } = useTuning(run);
  const control = (field: TuningField) => (
    <TuningControl key={field.path} field={field} run={run} text={textOf(field.path)} error={errors.get(field.path)} onType={(text) => type(field.path, text)} />
  );
  return (
    <Dialog title={`Change ${run.name} while it trains`} opener={opener} wide onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (told) send();
        }}
      >
        <p className="muted">{aboutChanges(run)}</p>
        <div className="tuning">{FIELDS.slice(0, DRAWN).map(control)}</div>
        <SchedulePreview before={run.train} after={changed(run.train, changes)} step={run.progress.step} />
        <div className="tuning">{FIELDS.slice(DRAWN).map(control)}</div>
        {error && <ErrorBanner error={error} />}
        <Acknowledgement command={sent} />
        <DialogButtons>
          <span className="muted dialog-told">{told ? `${busy ? "asked for" : "will change"}: ${told}` : "nothing is changed yet"}</span>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" type="submit" disabled={!told || busy || whyNot(run, "set_hyperparameters") !== null}>
            Apply
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

function aboutChanges(run: Run): string {
  const step = integer(run.progress.step);
  if (hasEnded(run)) return `It has ended (${run.state}) at step ${step}: nothing can be changed about it any more. A fork goes on from one of its checkpoints with other settings.`;
  if (run.state === "stopping") return `It is stopping at step ${step}: nothing can be changed about it any more.`;
  const when = run.state === "running" ? "A change is made between two steps, on all ranks at once" : "It does not train just now; a change holds from its next step on";
  return `It is ${run.state}, at step ${step}. ${when}, and is part of the run's next checkpoint.`;
}

interface ControlOf {
  field: TuningField;
  run: Run;
  text: string;
  error: string | undefined;
  onType: (text: string) => void;
}

function TuningControl({ field, run, text, error, onType }: ControlOf) {
  return (
    <Field label={field.label} hint={field.path === "batch_size" ? multiples(run) : field.hint} error={error}>
      {(control) => <Control field={field} text={text} control={control} onType={onType} />}
    </Field>
  );
}

function Control({ field, text, control, onType }: Omit<ControlOf, "run" | "error"> & { control: ControlProps }) {
  if (field.kind === "choice") {
    return (
      <select className="input" value={text} {...control} onChange={(event) => onType(event.target.value)}>
        {field.options?.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    );
  }
  if (field.kind === "lines") return <textarea className="input" rows={2} value={text} {...control} onChange={(event) => onType(event.target.value)} />;
  return <input className="input" inputMode={field.kind === "number" ? "decimal" : undefined} value={text} {...control} onChange={(event) => onType(event.target.value)} />;
}

/** A batch is changed by accumulation: it stays a multiple of what all processes take at once. */
function multiples({ spec: { compute }, train }: Run): string {
  const processes = compute.nodes * compute.processes_per_node;
  const micro = train.micro_batch_size === "auto" ? train.batch_size / processes : train.micro_batch_size;
  return `a multiple of ${integer(micro * processes)}`;
}
