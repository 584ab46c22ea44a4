import { useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import type { Checkpoint, DeletionAnswer } from "@/shared/api/types";
import { bytes, plural } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Loaded } from "@/shared/ui/Loaded";
import { ErrorBanner } from "@/shared/ui/Notice";
import { dryRunQuery, useDelete } from "./queries";
import { nameOf } from "./words";

interface Props {
  checkpoints: readonly Checkpoint[];
  opener: HTMLElement | null;
  onSay: (text: string) => void;
  onDone: () => void;
  onClose: () => void;
}

/** First what would be deleted, what that frees, and what stays and why; then the deletion. */
export function DeleteDialog({ checkpoints, opener, onSay, onDone, onClose }: Props) {
  const plan = useQuery(dryRunQuery(checkpoints.map(({ id }) => id)));
  const remove = useDelete();
  const going = plan.data?.deleted ?? [];
  const start = () =>
    remove.mutate(going, {
      onSuccess: (answer) => {
        onSay(told(answer));
        onDone();
      },
    });
  return (
    <Dialog title={checkpoints[0] && checkpoints.length === 1 ? `Delete ${nameOf(checkpoints[0])}?` : `Delete ${plural(checkpoints.length, "checkpoint")}?`} opener={opener} onClose={onClose}>
      <Loaded query={plan}>{(answer) => <Plan answer={answer} checkpoints={checkpoints} />}</Loaded>
      {remove.isError && <ErrorBanner error={remove.error} />}
      <DialogButtons>
        <Button onClick={onClose}>{going.length > 0 || plan.isPending ? "Cancel" : "Close"}</Button>
        {going.length > 0 && (
          <Button kind="danger" disabled={remove.isPending} onClick={start}>
            <Trash2 size={14} aria-hidden /> Delete {plural(going.length, "checkpoint")}, {bytes(plan.data?.bytes)}
          </Button>
        )}
      </DialogButtons>
    </Dialog>
  );
}

function Plan({ answer, checkpoints }: { answer: DeletionAnswer; checkpoints: readonly Checkpoint[] }) {
  const of = (id: string) => checkpoints.find((each) => each.id === id);
  const { deleted, refused } = answer;
  return (
    <>
      {deleted.length > 0 && (
        <div>
          <p>
            <strong>{bytes(answer.bytes)}</strong> are freed. This cannot be undone.
          </p>
          <Listed label="What is deleted">
            {deleted.map((id) => (
              <Line key={id} id={id} checkpoint={of(id)} notes={of(id)?.kept_because ?? []} />
            ))}
          </Listed>
        </div>
      )}
      {refused.length > 0 && (
        <div>
          <p>
            <strong>{plural(refused.length, "checkpoint")}</strong> {refused.length === 1 ? "is" : "are"} needed and {refused.length === 1 ? "stays" : "stay"}:
          </p>
          <Listed label="What stays">
            {refused.map(({ id, reasons }) => (
              <Line key={id} id={id} checkpoint={of(id)} notes={reasons} />
            ))}
          </Listed>
        </div>
      )}
    </>
  );
}

function Listed({ label, children }: { label: string; children: ReactNode }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must be able to reach it
    <ul className="deletion-list" aria-label={label} tabIndex={0}>
      {children}
    </ul>
  );
}

function Line({ id, checkpoint, notes }: { id: string; checkpoint: Checkpoint | undefined; notes: readonly string[] }) {
  return (
    <li>
      {checkpoint ? `${nameOf(checkpoint)}, ${bytes(checkpoint.bytes)}` : <code>{id}</code>}
      {notes.length > 0 && <span className="muted"> · {notes.join("; ")}</span>}
    </li>
  );
}

function told({ deleted, refused, bytes: freed }: DeletionAnswer): string {
  const stays = refused.length > 0 ? ` ${plural(refused.length, "other")} had become needed and stayed.` : "";
  return `${plural(deleted.length, "checkpoint")} deleted, ${bytes(freed)} freed in a moment.${stays}`;
}
