import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, expect, test, vi } from "vitest";
import { clusterNews } from "@/app/useClusterNews";
import { ClusterAlerts } from "@/features/alerts/ClusterAlerts";
import { clusterAlertsQuery, keys } from "@/shared/api/queries";
import type { Alert, Envelope, Page } from "@/shared/api/types";

const client = new QueryClient();

afterEach(() => {
  client.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function alertOf(run_id: string, change: Partial<Alert> = {}): Alert {
  const action = { kind: "notify", state: "none", command_id: "", reason: "" } as const;
  const told = { detector: "disk", severity: "warning", step: 0, attempt: 0, metric: "system/disk.free_bytes", value: 1e9, threshold: 2e9, window: {}, message: `little room on ${run_id}`, remedy: "", run_name: "" } as const;
  return { ...told, alert_id: `${run_id}.0.disk.1`, run_id, fired_at: "2026-01-01T00:00:00.000+00:00", cleared_at: null, cleared: "", acknowledged_at: null, acknowledged_by: "", note: "", action, ...change };
}

/** The monitor's open alerts, by page. */
function answer(pages: readonly (readonly Alert[])[]): void {
  vi.stubGlobal("fetch", (address: string) => {
    const query = new URL(address, "http://test").searchParams;
    expect(query.get("open")).toBe("true");
    const page = Number(query.get("cursor") ?? 0);
    return Promise.resolve(Response.json({ items: pages[page], next_cursor: page + 1 < pages.length ? String(page + 1) : null }));
  });
}

function shown(page: Page<Alert>): string {
  client.setQueryData(clusterAlertsQuery.queryKey, page);
  client.setQueryData(keys.me, { name: "ada", role: "admin" });
  return renderToStaticMarkup(<QueryClientProvider client={client}><ClusterAlerts /></QueryClientProvider>);
}

test("those of the cluster and of workers are found behind those of runs", async () => {
  answer([[alertOf("run_1"), alertOf("worker.w1")], [alertOf("run_2")], [alertOf("cluster")]]);
  const { items, next_cursor } = await client.query(clusterAlertsQuery);
  expect([items.map(({ run_id }) => run_id), next_cursor]).toEqual([["worker.w1", "cluster"], null]);
});

test("each says whose it is and can be acknowledged; without any there is nothing", () => {
  const text = shown({ items: [alertOf("worker.w1"), alertOf("cluster", { acknowledged_at: "2026-01-01T00:00:01.000+00:00", acknowledged_by: "grace" })], next_cursor: null });
  expect(text).toContain(">w1<");
  expect(text).toContain(">cluster<");
  expect(text).toContain("little room on worker.w1");
  expect(text.match(/Acknowledge/g), "of the one that nobody has seen").toHaveLength(1);
  expect(text).toContain("Seen by grace");
  expect(shown({ items: [], next_cursor: null })).toBe("");
});

test.each(["DetectorFired", "DetectorCleared"])("%s makes them stale", async (type) => {
  vi.useFakeTimers();
  client.setQueryData(clusterAlertsQuery.queryKey, { items: [], next_cursor: null });
  clusterNews(client).onEvents([{ event: { type } } as Envelope]);
  await vi.advanceTimersByTimeAsync(500);
  expect(client.getQueryState(clusterAlertsQuery.queryKey)?.isInvalidated).toBe(true);
});
