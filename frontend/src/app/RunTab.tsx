import { lazyRouteComponent, type AsyncRouteComponent } from "@tanstack/react-router";
import type { MetricStore } from "@/features/charts/MetricStore";
import type { Run } from "@/shared/api/types";

export const TABS = ["charts", "system", "logs", "samples", "checkpoints", "config", "alerts", "events"] as const;
export type Tab = (typeof TABS)[number];

interface TabProps {
  run: Run;
  metrics: MetricStore;
}

// A script that could not be had is asked for again: an upgrade replaces all of them, and then the page is loaded anew, once.
const CONTENTS: Record<Tab, AsyncRouteComponent<TabProps>> = {
  charts: lazyRouteComponent(() => import("./ChartsTab")),
  system: lazyRouteComponent(() => import("./SystemTab")),
  logs: lazyRouteComponent(() => import("./LogsTab"), "LogsTab"),
  samples: lazyRouteComponent(() => import("@/features/samples/SampleList"), "SampleList"),
  checkpoints: lazyRouteComponent(() => import("./CheckpointsTab")),
  config: lazyRouteComponent(() => import("@/features/config/RunConfig"), "RunConfig"),
  alerts: lazyRouteComponent(() => import("@/features/alerts/AlertList"), "AlertList"),
  events: lazyRouteComponent(() => import("./EventsTab")),
};

export function tabNamed(name: string): Tab {
  return TABS.find((tab) => tab === name) ?? "charts";
}

/** Fetch a tab's script ahead of its first render. A failure is told where the tab is shown. */
export function preloadTab(name: string): void {
  void CONTENTS[tabNamed(name)].preload?.();
}

export function RunTab({ tab, ...props }: TabProps & { tab: Tab }) {
  const Content = CONTENTS[tab];
  return <Content {...props} />;
}
