import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call, path } from "@/shared/api/client";
import { keys, runQuery } from "@/shared/api/queries";
import type { Checkpoint } from "@/shared/api/types";
import { integer, plural } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { ErrorBanner } from "@/shared/ui/Notice";

interface Props {
  checkpoint: Checkpoint;
  opener: HTMLElement | null;
  onSay: (text: string) => void;
  onClose: () => void;
}

/** What it costs is told before it is asked for. */
export function RollbackDialog({ checkpoint: { id, run_id, run_name, step }, opener, onSay, onClose }: Props) {
  const client = useQueryClient();
  const { data: run } = useQuery(runQuery(run_id));
  const lost = run ? run.progress.step - step : 0;
  const rollback = useMutation({
    mutationFn: () => call("POST", path`/api/v1/runs/${run_id}/commands`, { body: { type: "rollback", checkpoint_id: id } }),
    onSuccess: () => {
      onSay(`${run_name} goes back to step ${integer(step)}.`);
      onClose();
      void client.invalidateQueries({ queryKey: keys.run(run_id) });
      return client.invalidateQueries({ queryKey: keys.checkpoints });
    },
  });
  return (
    <Dialog title={`Roll ${run_name} back to step ${integer(step)}?`} opener={opener} onClose={onClose}>
      {run && lost > 0 && (
        <p>
          It is {run.state} at step {integer(run.progress.step)}: {plural(lost, "step")} {lost === 1 ? "is" : "are"} taken anew.
        </p>
      )}
      <p>Later changes of hyperparameters are undone. Later checkpoints are left behind: they stay for a while and can be forked from, but the run does not use them any more.</p>
      {rollback.isError && <ErrorBanner error={rollback.error} />}
      <DialogButtons>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" disabled={rollback.isPending} onClick={() => rollback.mutate()}>
          Roll back
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
