import { Link } from "@tanstack/react-router";
import { Package, SearchX } from "lucide-react";
import type { Run } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { Notice } from "@/shared/ui/Notice";

export function NoCheckpoints({ run }: { run: Run | undefined }) {
  return (
    <Notice icon={<Package size={28} aria-hidden />} title="No checkpoints yet">
      {run ? (
        <p>This run saves one every {run.spec.train.checkpoint.every} steps and when it is stopped.</p>
      ) : (
        <p>
          Runs save checkpoints as they train. <Link to="/runs/new">Start a run</Link>
        </p>
      )}
    </Notice>
  );
}

export function NoneMatches({ more, onAll }: { more: boolean; onAll: () => void }) {
  return (
    <Notice icon={<SearchX size={28} aria-hidden />} title="No checkpoint matches">
      {more && <p>None of those that are loaded; older ones may.</p>}
      <Button onClick={onAll}>Show all checkpoints</Button>
    </Notice>
  );
}
