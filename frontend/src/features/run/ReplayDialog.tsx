import { useQuery } from "@tanstack/react-query";
import { useState, type RefObject } from "react";
import { path } from "@/shared/api/client";
import { refusalOf } from "@/shared/api/problem";
import { commandsQuery, hasEnded } from "@/shared/api/queries";
import type { Command, Run } from "@/shared/api/types";
import { useDescendant } from "@/shared/api/useDescendant";
import { integer, plural } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Field } from "@/shared/ui/Field";
import { ErrorBanner } from "@/shared/ui/Notice";
import { argumentsText } from "./useCommand";

interface Props {
  run: Run;
  opener: RefObject<HTMLElement | null>;
  onClose: () => void;
}

/** The same run once more, with what was changed about it at the steps at which it was changed. */
export default function ReplayDialog({ run, opener, onClose }: Props) {
  const [name, setName] = useState("");
  const { data } = useQuery(commandsQuery(run.id));
  const replay = useDescendant(path`/api/v1/runs/${run.id}/replay`, () => (name.trim() ? { name: name.trim() } : {}));
  const { at, rest } = refusalOf(replay.error, ["name"]);
  return (
    <Dialog title={`Replay ${run.name}`} opener={opener.current} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          replay.mutate();
        }}
      >
        <p className="muted">
          A new run with the same configuration, text and seed, from {run.origin ? `the checkpoint of step ${integer(run.origin.step)} that it was forked from` : "the first step"} on. On a CPU, with as
          many processes, its losses are the same to the last bit.
        </p>
        <Changes run={run} changes={changesIn(data?.items ?? [])} />
        <Field label="Name" hint="of the new run: small letters, digits, . _ -" error={at.get("name")}>
          {(control) => <input className="input" placeholder={`${run.name}-replay`} value={name} {...control} onChange={({ target }) => setName(target.value)} />}
        </Field>
        {rest && <ErrorBanner error={rest} />}
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={replay.isPending}>
            Replay
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

/** What was applied and still holds, in the order of the steps. */
export function changesIn(commands: readonly Command[]): Command[] {
  return commands.filter(({ type, state, undone }) => type === "set_hyperparameters" && state === "applied" && !undone).toSorted((a, b) => (a.step ?? 0) - (b.step ?? 0));
}

function Changes({ run, changes }: { run: Run; changes: readonly Command[] }) {
  const more = run.replay_of ? " It also repeats what the run that it replays had changed." : "";
  if (changes.length === 0) return <p>Nothing was changed about it while it trained.{more}</p>;
  return (
    <div>
      <p>
        It repeats {plural(changes.length, "change")}
        {hasEnded(run) ? "" : "; what is changed from now on, it does not"}:{more}
      </p>
      <ul className="command-list">
        {changes.map(({ command_id, step, arguments: changed }) => (
          <li key={command_id}>
            <span>after step {integer(step)}</span> <span className="mono">{argumentsText(changed)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
