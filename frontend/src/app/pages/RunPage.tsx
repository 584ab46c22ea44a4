import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Tabs } from "radix-ui";
import { Suspense, useState } from "react";
import { OpenAlerts } from "@/features/alerts/OpenAlerts";
import { MetricStore } from "@/features/charts/MetricStore";
import { ProgressCard } from "@/features/run/ProgressCard";
import { RunHeader } from "@/features/run/RunHeader";
import { asProblem } from "@/shared/api/problem";
import { runQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { ErrorBanner, ErrorNotice, Notice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { useTitle } from "@/shared/useTitle";
import { RunTab, TABS, tabNamed } from "../RunTab";
import { useRunKeys } from "../useRunKeys";
import { useRunNews } from "../useRunNews";
import { useTabInSight } from "../useTabInSight";

export default function RunPage() {
  const { runId } = useParams({ from: "/runs/$runId/$tab" });
  const run = useQuery(runQuery(runId));
  const title = run.data ? `${run.data.name} · ${run.data.state}` : "Run";
  useTitle(title);
  if (run.data && asProblem(run.error).status !== 404) {
    return (
      <div className="page">
        {run.isError && <ErrorBanner error={run.error} />}
        <LoadedRun key={runId} run={run.data} />
      </div>
    );
  }
  if (!run.isError) {
    return (
      <div className="page">
        <Skeleton lines={8} height={20} />
      </div>
    );
  }
  if (asProblem(run.error).status === 404) return <NoSuchRun runId={runId} />;
  return <ErrorNotice error={run.error} onRetry={() => void run.refetch()} />;
}

function LoadedRun({ run }: { run: Run }) {
  const { tab } = useParams({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate();
  const [metrics] = useState(() => new MetricStore());
  const news = useRunNews(run.id, metrics);
  useRunKeys(run.id);
  const shown = tabNamed(tab);
  const tabs = useTabInSight(shown);
  return (
    <>
      <RunHeader run={run} />
      <OpenAlerts run={run} />
      <ProgressCard run={run} news={news.progress} />
      <Tabs.Root
        value={shown}
        activationMode="manual"
        onValueChange={(next) => void navigate({ to: "/runs/$runId/$tab", params: { runId: run.id, tab: next }, resetScroll: false })}
      >
        <Tabs.List ref={tabs} className="tabs-list" aria-label="Run">
          {TABS.map((name) => (
            <Tabs.Trigger key={name} value={name}>
              {name[0]?.toUpperCase()}
              {name.slice(1)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value={shown} className="tab-panel">
          <Suspense fallback={<Skeleton lines={6} />}>
            <RunTab tab={shown} run={run} metrics={metrics} />
          </Suspense>
        </Tabs.Content>
      </Tabs.Root>
    </>
  );
}

function NoSuchRun({ runId }: { runId: string }) {
  return (
    <Notice level={1} title="This run does not exist">
      <p>
        There is no run <code>{runId}</code>; it may have been deleted. <Link to="/runs">All runs</Link>
      </p>
    </Notice>
  );
}
