import "./checkpoints.css";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Checkpoint, Run } from "@/shared/api/types";
import { bytes, plural } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { ErrorBanner, ErrorNotice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { ChosenBar } from "./ChosenBar";
import { FilterBar } from "./FilterBar";
import { NoCheckpoints, NoneMatches } from "./NoCheckpoints";
import { RunGroup } from "./RunGroup";
import { StorageRoom } from "./StorageRoom";
import { TaskDialog } from "./TaskDialog";
import { isShown, queryOf, type CheckpointFilter } from "./filter";
import { checkpointPages } from "./queries";
import { useDesk } from "./useDesk";

interface Props {
  run?: Run;
  filter: CheckpointFilter;
  onFilter: (filter: CheckpointFilter) => void;
}

/** Checkpoints of one run, or of all runs, by run. */
export function CheckpointBrowser({ run, filter, onFilter }: Props) {
  const pages = useInfiniteQuery(checkpointPages(queryOf(run ? { ...filter, run: run.id } : filter)));
  const { desk, asked, said, close } = useDesk();
  const items = pages.data?.pages.flatMap((page) => page.items);
  if (!items) {
    if (pages.isError) return <ErrorNotice error={pages.error} onRetry={() => void pages.refetch()} />;
    return <Skeleton lines={6} height={20} />;
  }
  const change = (next: CheckpointFilter) => {
    desk.say("");
    onFilter(next);
  };
  const filtered = filter.run !== undefined || filter.alias !== undefined || filter.only !== undefined;
  if (items.length === 0 && !filtered && !pages.isPlaceholderData) return <NoCheckpoints run={run} />;
  const shown = items.filter((checkpoint) => isShown(checkpoint, filter.only));
  const chosen = shown.filter(({ id }) => desk.chosen.has(id));
  return (
    <div className="stack">
      {!run && <StorageRoom />}
      {pages.isError && <ErrorBanner error={pages.error} />}
      <div className="row spread">
        <FilterBar filter={filter} ofAll={!run} onFilter={change} />
        <p role="status" className="muted checkpoint-said">
          {said || counted(shown, items.length, pages.hasNextPage)}
        </p>
      </div>
      {byRun(shown).map(([runId, members]) => (
        <RunGroup key={runId} items={members} linked={!run} desk={desk} />
      ))}
      {shown.length === 0 && <NoneMatches more={pages.hasNextPage} onAll={() => change({})} />}
      {pages.hasNextPage && <Older busy={pages.isFetchingNextPage} onLoad={() => void pages.fetchNextPage()} />}
      {chosen.length > 0 && <ChosenBar items={chosen} desk={desk} />}
      {asked && <TaskDialog asked={asked} items={items} desk={desk} onClose={close} />}
    </div>
  );
}

function Older({ busy, onLoad }: { busy: boolean; onLoad: () => void }) {
  return (
    <div className="checkpoint-older">
      <Button disabled={busy} onClick={onLoad}>
        Load older checkpoints
      </Button>
    </div>
  );
}

/** Runs in the order of their newest checkpoint. */
function byRun(items: readonly Checkpoint[]): [string, Checkpoint[]][] {
  return [...Map.groupBy(items, ({ run_id }) => run_id)];
}

function counted(shown: readonly Checkpoint[], loaded: number, more: boolean): string {
  const total = bytes(shown.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0));
  const among = more ? `, among the newest ${loaded.toLocaleString("en")}` : "";
  return `${plural(shown.length, "checkpoint")}, ${total}${among}`;
}
