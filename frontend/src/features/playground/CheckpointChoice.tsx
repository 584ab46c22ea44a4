import type { Checkpoint, Run } from "@/shared/api/types";
import { integer, loss } from "@/shared/format/numbers";
import { Field } from "@/shared/ui/Field";

/** A checkpoint, or a run: then its newest checkpoint, whichever that is at the time. */
export type Choice = { run: string } | { checkpoint: string };

interface Props {
  checkpoints: readonly Checkpoint[];
  runs: readonly Run[];
  choice: Choice;
  onChoice: (choice: Choice) => void;
}

export function CheckpointChoice({ checkpoints, runs, choice, onChoice }: Props) {
  const chosen = "checkpoint" in choice ? checkpoints.find(({ id }) => id === choice.checkpoint) : undefined;
  const runId = "run" in choice ? choice.run : chosen?.run_id;
  const nameOf = (id: string) => runs.find((run) => run.id === id)?.name ?? id;
  const ids = [...new Set([...checkpoints.map(({ run_id }) => run_id), ...(runId === undefined ? [] : [runId])])];
  return (
    <div className="playground-choice">
      <Field label="Run">
        {(control) => (
          <select {...control} className="input" value={runId ?? ""} onChange={({ target }) => onChoice({ run: target.value })}>
            {runId === undefined && <option value="">of the checkpoint</option>}
            {ids.map((id) => (
              <option key={id} value={id}>
                {nameOf(id)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <OfRun runId={runId} checkpoints={checkpoints} choice={choice} onChoice={onChoice} />
    </div>
  );
}

/** `runId` undefined: of the one chosen checkpoint, which is not in the list. */
function OfRun({ runId, checkpoints, choice, onChoice }: Omit<Props, "runs"> & { runId: string | undefined }) {
  const ofRun = checkpoints.filter(({ run_id, state }) => run_id === runId && state === "committed");
  const value = "checkpoint" in choice ? choice.checkpoint : "";
  const choose = (id: string) => onChoice(id || runId === undefined ? { checkpoint: id } : { run: runId });
  return (
    <Field label="Checkpoint">
      {(control) => (
        <select {...control} className="input" value={value} onChange={({ target }) => choose(target.value)}>
          {runId !== undefined && <option value="">newest{ofRun[0] ? ` (${integer(ofRun[0].step)})` : ""}</option>}
          {value && !ofRun.some(({ id }) => id === value) && <option value={value}>{value}</option>}
          {ofRun.map(({ id, step, metrics }) => (
            <option key={id} value={id}>
              step {integer(step)} · loss {loss(metrics["val/loss"] ?? metrics["train/loss"])}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
