import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { keys } from "@/shared/api/queries";
import { applyEvent, type EventSink } from "@/shared/live/applyEvent";
import { Refresher } from "@/shared/live/refresh";
import { useTopic } from "@/shared/live/useTopic";

/** Keeps lists of runs and workers fresh on every page. */
export function useClusterNews(): void {
  const client = useQueryClient();
  const sink = useMemo<EventSink>(() => {
    const refresher = new Refresher(client);
    const run = () => refresher.stale(keys.runs);
    return { run, workers: () => refresher.stale(keys.workers), checkpoints: () => refresher.stale(keys.checkpoints) };
  }, [client]);
  useTopic("cluster", {
    onEvents: (items) => {
      for (const item of items) applyEvent(item, sink);
    },
    onHistory: () => {
      sink.run?.();
      sink.workers?.();
    },
  });
}
