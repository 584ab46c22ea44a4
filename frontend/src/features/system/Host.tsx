import { keepPreviousData, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { call, path } from "@/shared/api/client";
import type { WorkerMetrics } from "@/shared/api/types";
import { plural } from "@/shared/format/numbers";
import type { Span } from "@/shared/span";
import { useStore, type Store } from "@/shared/store";
import { ErrorBanner, ErrorNotice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { warningsOf } from "@/shared/workers/readings";
import { useSamples } from "@/shared/workers/useSamples";
import { HostChart } from "./HostChart";
import { curvesOf } from "./curves";
import type { RunHost } from "./hosts";
import { panelsFor } from "./panels";
import { BUCKETS, questionOf } from "./question";

/** Live samples fill the time in between, and there are more of them kept. */
const ASK_EVERY_SECONDS = 120;
const KEPT = 600;

interface Props {
  host: RunHost;
  span: Span;
  /** Whether the span ends now. */
  follows: boolean;
  hovered: Store<number | null>;
  onZoom: (span?: Span) => void;
}

/** The charts of one worker's host. */
export function Host({ host, span, follows, hovered, onZoom }: Props) {
  const { worker, attempts } = host;
  const client = useQueryClient();
  const missed = useCallback(() => staleHistory(client, worker), [client, worker]);
  const store = useSamples(worker, KEPT, follows, undefined, missed);
  const samples = useStore(store.samples);
  const history = useHostHistory(worker, span, follows);
  const curves = useMemo(() => curvesOf(history.data, follows ? samples : []), [history.data, samples, follows]);
  const names = [...curves.keys()].join(",");
  const panels = useMemo(() => panelsFor(names.split(",")), [names]);
  const warnings = follows && store.latest ? warningsOf(store.latest) : [];
  return (
    <section className="stack" aria-label={`Host of ${worker}`}>
      <h2>
        {worker} <span className="muted">{attempts.length === 1 ? `attempt ${String(attempts[0])}` : plural(attempts.length, "attempt")}</span>
      </h2>
      {warnings.map(({ tone, text }) => (
        <p key={text} className="badge" data-tone={tone}>
          {text}
        </p>
      ))}
      {history.isError && (panels.length > 0 ? <ErrorBanner error={history.error} /> : <ErrorNotice error={history.error} onRetry={() => void history.refetch()} />)}
      {history.isPending && <Skeleton lines={6} height={30} />}
      {history.isSuccess && panels.length === 0 && <p className="muted">Nothing was read of this host in that time, or it is too long ago to be kept.</p>}
      <div className="host-grid">
        {panels.map((panel) => (
          <HostChart key={panel.title} host={worker} panel={panel} curves={curves} span={span} follows={follows} width={(span[1] - span[0]) / BUCKETS} hovered={hovered} onZoom={onZoom} />
        ))}
      </div>
    </section>
  );
}

function historyKey(worker: string) {
  return ["worker", worker, "metrics"];
}

/** Live samples were missed, which the history has. */
export function staleHistory(client: QueryClient, worker: string): void {
  void client.invalidateQueries({ queryKey: historyKey(worker) });
}

/** While it follows, asked now and then: the second it ends at is not part of the question. */
function useHostHistory(worker: string, [from, to]: Span, follows: boolean) {
  const [first, last] = follows ? [Math.floor(from / ASK_EVERY_SECONDS), Math.floor(to / ASK_EVERY_SECONDS)] : [from, to];
  return useQuery({
    queryKey: [...historyKey(worker), follows, first, last],
    queryFn: ({ signal }) => call<WorkerMetrics>("GET", path`/api/v1/workers/${worker}/metrics`, { query: questionOf([from, to], follows), signal }),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}
