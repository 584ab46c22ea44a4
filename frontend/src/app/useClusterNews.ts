import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { keys } from "@/shared/api/queries";
import { applyEvent } from "@/shared/live/applyEvent";
import { Refresher } from "@/shared/live/refresh";
import type { TopicHandlers } from "@/shared/live/topics";
import { useTopic } from "@/shared/live/useTopic";

/** Keeps lists of runs, workers and checkpoints fresh on every page. */
export function useClusterNews(): void {
  const client = useQueryClient();
  useTopic(
    "cluster",
    useMemo(() => clusterNews(client), [client]),
  );
}

/** What an event on the cluster's topic makes stale; all of it where events were missed. */
export function clusterNews(client: QueryClient): TopicHandlers {
  const refresher = new Refresher(client);
  const sink = {
    run: () => {
      refresher.stale(keys.runs);
      refresher.stale(keys.queue);
    },
    workers: () => refresher.stale(keys.workers),
    queue: () => refresher.stale(keys.queue),
    checkpoints: () => refresher.stale(keys.checkpoints),
    alerts: () => refresher.stale(keys.alerts),
  };
  return {
    onEvents: (items) => {
      for (const item of items) applyEvent(item, sink);
    },
    onHistory: () => {
      for (const tell of Object.values(sink)) tell();
    },
  };
}
