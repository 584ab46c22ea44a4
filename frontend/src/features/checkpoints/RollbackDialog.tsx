import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call, path } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { Checkpoint } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { ErrorBanner } from "@/shared/ui/Notice";

interface Props {
  checkpoint: Checkpoint;
  opener: HTMLElement | null;
  onSay: (text: string) => void;
  onClose: () => void;
}

export function RollbackDialog({ checkpoint: { id, run_id, run_name, step }, opener, onSay, onClose }: Props) {
  const client = useQueryClient();
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
      <p>It goes on from this checkpoint. Later checkpoints and changes of hyperparameters are left behind: the checkpoints stay for a while, but the run does not use them any more.</p>
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
