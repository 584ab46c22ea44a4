import { Link } from "@tanstack/react-router";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Facts } from "@/shared/ui/Facts";
import type { Kind, Mark } from "./marks";
import { GLYPHS } from "./overlays";

const TITLES: Record<Kind, string> = {
  checkpoint: "Checkpoint",
  "bad-checkpoint": "No good checkpoint",
  restart: "Restarted",
  preempted: "Preempted",
  change: "Hyperparameters changed",
  rollback: "Rolled back",
  held: "Paused",
  hang: "No progress",
  origin: "Forked from here",
  spike: "A detector fired",
};

interface Props {
  runId: string;
  parentId: string | null;
  /** Of one step, at least one. */
  marks: readonly Mark[];
  opener: HTMLElement | null;
  onClose: () => void;
}

/** What the marks of one place on the charts stand for. */
export function MarkDialog({ runId, parentId, marks, opener, onClose }: Props) {
  return (
    <Dialog title={`Step ${integer(marks[0]?.x)}`} opener={opener} onClose={onClose}>
      {marks.map((mark, index) => (
        <Story key={index} mark={mark} runId={runId} parentId={parentId} />
      ))}
      <DialogButtons>
        <Link className="button" to="/runs/$runId/$tab" params={{ runId, tab: "events" }}>
          All events
        </Link>
        <Button onClick={onClose}>Close</Button>
      </DialogButtons>
    </Dialog>
  );
}

function Story({ mark: { kind, facts }, runId, parentId }: Pick<Props, "runId" | "parentId"> & { mark: Mark }) {
  return (
    <section className="mark-story">
      <h3>
        <span aria-hidden>{GLYPHS[kind]}</span> {TITLES[kind]}
      </h3>
      <Facts facts={facts} className="mark-facts" />
      {kind === "checkpoint" && (
        <Link to="/runs/$runId/$tab" params={{ runId, tab: "checkpoints" }}>
          Look at the checkpoints
        </Link>
      )}
      {kind === "origin" && parentId !== null && (
        <Link to="/runs/$runId/$tab" params={{ runId: parentId, tab: "charts" }}>
          Look at that run
        </Link>
      )}
      {(kind === "restart" || kind === "hang") && (
        <Link to="/runs/$runId/$tab" params={{ runId, tab: "logs" }}>
          Look at the logs
        </Link>
      )}
    </section>
  );
}
