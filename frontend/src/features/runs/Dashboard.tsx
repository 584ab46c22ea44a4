import "./runs.css";
import { useInfiniteQuery } from "@tanstack/react-query";
import { call } from "@/shared/api/client";
import { isActive, keys } from "@/shared/api/queries";
import type { Page, Run } from "@/shared/api/types";
import type { Choice } from "@/shared/choice";
import { Button } from "@/shared/ui/Button";
import { ErrorBanner, ErrorNotice, Notice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { ChosenRuns } from "./ChosenRuns";
import { EmptyRuns } from "./EmptyRuns";
import { QueryBox } from "./QueryBox";
import { RunsTable } from "./RunsTable";
import { Tiles } from "./Tiles";
import { parseQuery, type RunFilter } from "./query";

const ACTIVE_EVERY_MS = 3000;
const PAGE = 100;

interface Props {
  /** The text of the query box, as the address has it. */
  query: string;
  onQuery: (query: string) => void;
  choice: Choice;
  onChoose: (choice: Choice) => void;
}

/** All runs at a glance. */
export function Dashboard({ query, onQuery, choice, onChoose }: Props) {
  const { filter, complaint } = parseQuery(query);
  const runs = useRunPages(filter);
  const items = runs.data?.pages.flatMap((page) => page.items);
  if (items?.length === 0 && query === "" && !runs.isPlaceholderData) return <EmptyRuns />;
  return (
    <>
      <Tiles />
      <section className="card" aria-label="Runs">
        <QueryBox query={query} complaint={complaint} onQuery={onQuery} />
        {runs.isError && items && <ErrorBanner error={runs.error} />}
        {runs.isError && !items && <ErrorNotice error={runs.error} onRetry={() => void runs.refetch()} />}
        {runs.isPending && (
          <div className="card-body">
            <Skeleton lines={6} height={18} />
          </div>
        )}
        {items && items.length > 0 && <RunsTable runs={items} choice={choice} onChoose={onChoose} />}
        {items?.length === 0 && (
          <Notice title="No run matches">
            <Button onClick={() => onQuery("")}>Show all runs</Button>
          </Notice>
        )}
        {runs.hasNextPage && (
          <div className="more">
            <Button disabled={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
              Load older runs
            </Button>
          </div>
        )}
      </section>
      {choice.runs.length > 0 && <ChosenRuns choice={choice} onChoose={onChoose} />}
    </>
  );
}

function useRunPages(filter: RunFilter) {
  return useInfiniteQuery({
    queryKey: [...keys.runs, "pages", filter],
    queryFn: ({ pageParam, signal }) => call<Page<Run>>("GET", "/api/v1/runs", { query: { ...filter, limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => (state.data?.pages.some(({ items }) => items.some(isActive)) ? ACTIVE_EVERY_MS : false),
  });
}
