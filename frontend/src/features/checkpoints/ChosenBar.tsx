import { GitCompareArrows, Trash2, X } from "lucide-react";
import type { Checkpoint } from "@/shared/api/types";
import { bytes, plural } from "@/shared/format/numbers";
import { Button, IconButton } from "@/shared/ui/Button";
import type { Desk } from "./desk";

/** The server takes so many at once. */
const MOST = 1000;

/** What can be done with what is chosen. */
export function ChosenBar({ items, desk }: { items: readonly Checkpoint[]; desk: Desk }) {
  const total = items.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
  const ask = (task: "compare" | "delete", opener: HTMLElement) => desk.ask(task, items, opener);
  return (
    <div className="chosen-bar card row" role="region" aria-label="Chosen checkpoints">
      <span>
        <strong>{plural(items.length, "checkpoint")}</strong> chosen, {bytes(total)}
      </span>
      <span className="row">
        <Button
          disabled={items.length !== 2}
          title={items.length === 2 ? undefined : "choose two to compare them"}
          onClick={({ currentTarget }) => ask("compare", currentTarget)}
        >
          <GitCompareArrows size={14} aria-hidden /> Compare
        </Button>
        {desk.mayWrite && (
          <Button
            disabled={items.length > MOST}
            title={items.length > MOST ? "choose at most 1,000 at once" : undefined}
            onClick={({ currentTarget }) => ask("delete", currentTarget)}
          >
            <Trash2 size={14} aria-hidden /> Delete…
          </Button>
        )}
        <IconButton label="Choose none" onClick={() => desk.choose([...desk.chosen], false)}>
          <X size={14} aria-hidden />
        </IconButton>
      </span>
    </div>
  );
}
