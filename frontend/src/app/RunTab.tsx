import { lazy } from "react";
import { CheckpointBrowser } from "@/features/checkpoints/CheckpointBrowser";
import type { MetricStore } from "@/features/charts/MetricStore";
import { RunConfig } from "@/features/config/RunConfig";
import { EventList } from "@/features/events/EventList";
import { SampleList } from "@/features/samples/SampleList";
import type { Run } from "@/shared/api/types";
import { LogsTab } from "./LogsTab";

const ChartsTab = lazy(() => import("./ChartsTab"));

interface Props {
  tab: "charts" | "logs" | "samples" | "checkpoints" | "config" | "events";
  run: Run;
  metrics: MetricStore;
}

export default function RunTab({ tab, run, metrics }: Props) {
  switch (tab) {
    case "charts":
      return <ChartsTab run={run} metrics={metrics} />;
    case "logs":
      return <LogsTab run={run} />;
    case "samples":
      return <SampleList run={run} />;
    case "checkpoints":
      return <CheckpointBrowser run={run} />;
    case "config":
      return <RunConfig run={run} />;
    case "events":
      return <EventList run={run} />;
  }
}
