import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call, path } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { keys, runQuery } from "@/shared/api/queries";
import type { Checkpoint, Run } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Field } from "@/shared/ui/Field";
import { ErrorBanner } from "@/shared/ui/Notice";

interface Props {
  checkpoint: Checkpoint;
  opener: HTMLElement | null;
  onClose: () => void;
}

const FIELDS = [
  { path: "name", label: "Name", hint: "of the new run" },
  { path: "train.steps", label: "Steps", hint: "counted from the first run's beginning" },
  { path: "train.optimizer.lr", label: "Learning rate", hint: "" },
  { path: "train.batch_size", label: "Batch size", hint: "" },
] as const;

type Path = (typeof FIELDS)[number]["path"];
type Typed = Partial<Record<Path, string>>;

function useFork({ id, run_id: runId }: Checkpoint, typed: Typed) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => call<Run>("POST", path`/api/v1/runs/${runId}/fork`, { body: { checkpoint_id: id, ...bodyOf(typed) } }),
    onSuccess: async (run) => {
      await client.invalidateQueries({ queryKey: keys.runs });
      return navigate({ to: "/runs/$runId/$tab", params: { runId: run.id, tab: "charts" } });
    },
  });
}

/** A new run that goes on from a checkpoint, with what is typed here changed. */
export function ForkDialog({ checkpoint, opener, onClose }: Props) {
  const { data: source } = useQuery(runQuery(checkpoint.run_id));
  const [typed, setTyped] = useState<Typed>({});
  const fork = useFork(checkpoint, typed);
  const errors = new Map(fork.isError ? asProblem(fork.error).errors.map(({ field, message }) => [field.replace("overrides.", ""), message]) : []);
  return (
    <Dialog title={`Fork ${checkpoint.run_name} at step ${integer(checkpoint.step)}`} opener={opener} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          fork.mutate();
        }}
      >
        <p className="muted">Weights, optimizer and the place in the data go on. What is left empty stays as it was at this checkpoint.</p>
        {FIELDS.map((field) => (
          <Field key={field.path} label={field.label} hint={field.hint} error={errors.get(field.path)}>
            {(control) => (
              <input className="input" placeholder={source && shownOf(source, field.path)} value={typed[field.path] ?? ""} {...control} onChange={({ target }) => setTyped({ ...typed, [field.path]: target.value })} />
            )}
          </Field>
        ))}
        {fork.isError && !FIELDS.some((field) => errors.has(field.path)) && <ErrorBanner error={fork.error} />}
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

function shownOf({ name, train }: Run, field: Path): string {
  if (field === "name") return `${name}-fork`;
  if (field === "train.steps") return String(train.steps);
  return String(field === "train.batch_size" ? train.batch_size : train.optimizer.lr);
}

function bodyOf(typed: Typed): Record<string, unknown> {
  const number = (text: string) => (Number.isFinite(Number(text)) ? Number(text) : text);
  const train: Record<string, unknown> = {};
  if (typed["train.steps"]) train.steps = number(typed["train.steps"]);
  if (typed["train.batch_size"]) train.batch_size = number(typed["train.batch_size"]);
  if (typed["train.optimizer.lr"]) train.optimizer = { lr: number(typed["train.optimizer.lr"]) };
  return { ...(typed.name ? { name: typed.name } : {}), overrides: Object.keys(train).length > 0 ? { train } : {} };
}
