import { Link } from "@tanstack/react-router";
import { CircleAlert } from "lucide-react";
import type { Run } from "@/shared/api/types";

type Failure = NonNullable<Run["failure"]>;

export const KINDS: Record<Failure["kind"], string> = {
  out_of_device_memory: "The GPU ran out of memory",
  out_of_memory: "Out of memory",
  collective_timeout: "The processes lost each other",
  disk_full: "The worker's disk is full",
  data_error: "The data do not fit",
  not_finite: "The loss is no number any more",
  too_many_skipped: "Too many steps in a row were left out",
  killed_by_system: "Killed by the system",
  hang: "It hung",
  checkpoint_unfit: "The checkpoint does not fit",
  worker_lost: "Its worker was lost",
  crash: "The training crashed",
};

/** What the last attempt died of, and what to do about it. */
export function FailureNotice({ run, failure }: { run: Run; failure: Failure }) {
  return (
    <div className="banner" role="status">
      <CircleAlert size={16} aria-hidden />
      <span className="run-reason">
        <strong>{KINDS[failure.kind]}.</strong> {failure.message}
        <br />
        <span className="muted">What helps: {failure.remedy}.</span>
      </span>
      <Link to="/runs/$runId/$tab" params={{ runId: run.id, tab: "logs" }} search={{ only: "errors" }}>
        Look at the logs
      </Link>
      {(failure.kind === "not_finite" || failure.kind === "too_many_skipped") && (
        <Link to="/runs/$runId/$tab" params={{ runId: run.id, tab: "checkpoints" }}>
          Fork from a checkpoint
        </Link>
      )}
    </div>
  );
}
