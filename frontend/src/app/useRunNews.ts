import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { MetricStore } from "@/features/charts/MetricStore";
import { keys } from "@/shared/api/queries";
import type { Progress } from "@/shared/api/types";
import { applyEvent, type EventSink, type Point } from "@/shared/live/applyEvent";
import { Refresher } from "@/shared/live/refresh";
import { useTopic } from "@/shared/live/useTopic";
import { Store } from "@/shared/store";

const SHOW_EVERY_MS = 250;

/** Everything a run's page hears live: points into the charts, and for the rest word that a list is stale. */
export function useRunNews(runId: string, metrics: MetricStore) {
  const client = useQueryClient();
  const [progress] = useState(() => new Store<Partial<Progress> | null>(null));
  const sink = useMemo<Required<EventSink>>(() => {
    const refresher = new Refresher(client);
    const stale = (...key: string[]) => refresher.stale([...keys.run(runId), ...key]);
    const show = throttled((point: Point) => progress.set(progressOf(point, progress.get())));
    return {
      run: () => stale("record"),
      workers: () => refresher.stale(keys.workers),
      queue: () => refresher.stale(keys.queue),
      commands: () => stale("commands"),
      checkpoints: () => refresher.stale(keys.checkpoints),
      samples: () => stale("samples"),
      logs: () => stale("logs"),
      alerts: () => refresher.stale(keys.alerts),
      happened: () => stale("events"),
      point: (point) => {
        metrics.add(point);
        if (!point.evaluation) show(point);
      },
    };
  }, [client, runId, metrics, progress]);

  useTopic(runId, {
    onEvents: (items) => {
      for (const item of items) applyEvent(item, sink);
    },
    onHistory: () => {
      metrics.forget();
      for (const tell of [sink.run, sink.commands, sink.checkpoints, sink.samples, sink.logs, sink.alerts, sink.happened]) tell();
    },
  });
  return { progress };
}

/** The speed of single steps jumps about, so that its average is told. */
function progressOf({ step, tokens, metrics }: Point, before: Partial<Progress> | null): Partial<Progress> {
  const found: Partial<Progress> = { step, tokens };
  if (metrics["train/loss"] !== undefined) found.loss = metrics["train/loss"];
  const speed = metrics["perf/tokens_per_second"];
  if (speed !== undefined) found.tokens_per_second = 0.9 * (before?.tokens_per_second ?? speed) + 0.1 * speed;
  return found;
}

/** Calls at most so often, and always with the last value. */
function throttled<T>(call: (value: T) => void): (value: T) => void {
  let waiting: { value: T } | null = null;
  return (value) => {
    if (!waiting) {
      setTimeout(() => {
        if (waiting) call(waiting.value);
        waiting = null;
      }, SHOW_EVERY_MS);
    }
    waiting = { value };
  };
}
