import { lazy, type ComponentType } from "react";
import type { MetricStore } from "@/features/charts/MetricStore";
import type { Run } from "@/shared/api/types";

export const TABS = ["charts", "logs", "samples", "checkpoints", "config", "events"] as const;
export type Tab = (typeof TABS)[number];

interface TabProps {
  run: Run;
  metrics: MetricStore;
}

const SCRIPTS: Record<Tab, () => Promise<ComponentType<TabProps>>> = {
  charts: async () => (await import("./ChartsTab")).default,
  logs: async () => (await import("./LogsTab")).LogsTab,
  samples: async () => (await import("@/features/samples/SampleList")).SampleList,
  checkpoints: async () => (await import("./CheckpointsTab")).default,
  config: async () => (await import("@/features/config/RunConfig")).RunConfig,
  events: async () => (await import("@/features/events/EventList")).EventList,
};

const COMPONENTS = Object.fromEntries(
  TABS.map((tab) => [tab, lazy(async () => ({ default: await SCRIPTS[tab]() }))]),
) as Record<Tab, ReturnType<typeof lazy<ComponentType<TabProps>>>>;

export function tabNamed(name: string): Tab {
  return TABS.find((tab) => tab === name) ?? "charts";
}

/** Fetch a tab's script ahead of its first render. */
export function preloadTab(name: string): void {
  // A failure is told where the tab is shown, which asks again.
  SCRIPTS[tabNamed(name)]().catch(() => undefined);
}

export function RunTab({ tab, ...props }: TabProps & { tab: Tab }) {
  const Content = COMPONENTS[tab];
  return <Content {...props} />;
}
