import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { ClusterOverview } from "@/features/cluster/ClusterOverview";
import { NoReadings } from "@/features/cluster/HostReadings";
import { runsQuery, workersQuery } from "@/shared/api/queries";
import type { Worker } from "@/shared/api/types";
import { slotsOnline } from "@/shared/workers/slots";

function workerOf(state: Worker["state"], slots: number): Worker {
  const free = Array.from({ length: slots }, (_, index) => ({ id: `${state} ${String(index)}`, name: "GPU", device: "cuda", run_id: null }));
  return { name: state, host: "h", state, draining: false, halted: "", last_heartbeat: "2026-01-01T00:00:00.000+00:00", slots: free } as unknown as Worker;
}

async function overview(runs: () => Promise<never> | { items: []; next_cursor: null }): Promise<string> {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, retryOnMount: false } } });
  client.setQueryData(workersQuery.queryKey, { items: [workerOf("online", 1)], next_cursor: null });
  await client.query({ ...runsQuery({ limit: 200 }), queryFn: runs }).catch(() => undefined);
  const html = renderToStaticMarkup(<QueryClientProvider client={client}><ClusterOverview /></QueryClientProvider>);
  client.clear();
  return html;
}

test("that the runs are not to be had is told, and nothing is said of their number", async () => {
  const failed = await overview(() => Promise.reject(new Error("the api is away")));
  expect(failed).toContain("the api is away");
  expect(failed).not.toContain("active run");
  expect(await overview(() => ({ items: [], next_cursor: null }))).toContain("0 active runs");
});

test("slots of workers that are halted, refused or lost do not count", () => {
  const workers = [workerOf("online", 1), workerOf("draining", 2), workerOf("halted", 4), workerOf("refused", 8), workerOf("lost", 16)];
  expect(slotsOnline(workers)).toHaveLength(3);
});

test("a host that stays silent is said to have no readings yet", () => {
  const told = (state: Worker["state"], waitedMs: number) => renderToStaticMarkup(<NoReadings state={state} waitedMs={waitedMs} />);
  expect(told("online", 5000)).toContain("skeleton");
  expect(told("online", 10_001)).toContain("No readings yet");
  expect(told("lost", 0)).toContain("No readings of its host");
});
