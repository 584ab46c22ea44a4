import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { EMPTY, withValue, type Draft } from "@/features/new-run/draft";
import type { View } from "@/features/new-run/complaints";
import { TrainingConfiguration } from "@/features/new-run/TrainingConfiguration";
import { runQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { Loaded } from "@/shared/ui/Loaded";
import { useTitle } from "@/shared/useTitle";

export default function NewRunPage() {
  useTitle("New run");
  const { from, preset, dataset } = useSearch({ from: "/runs/new" });
  return (
    <div className="page">
      <div className="page-head">
        <h1>New run</h1>
      </div>
      {from === undefined ? <Configuration initial={given(preset, dataset)} /> : <FromRun key={from} runId={from} />}
    </div>
  );
}

/** What the address asks for; null where it asks for nothing, so that what was typed last comes back. */
function given(preset: string | undefined, dataset: string | undefined): Draft | null {
  if (preset === undefined && dataset === undefined) return null;
  const sized = preset === undefined ? EMPTY : withValue(EMPTY, "model.preset", preset);
  return dataset === undefined ? sized : withValue(sized, "dataset", dataset);
}

function FromRun({ runId }: { runId: string }) {
  const run = useQuery({ ...runQuery(runId), refetchInterval: false });
  return <Loaded query={run}>{(found) => <Configuration initial={copyOf(found)} />}</Loaded>;
}

function copyOf({ spec, resolved }: Run): Draft {
  const next = /^(.*?)-(\d+)$/.exec(spec.name);
  const name = next ? `${next[1] ?? ""}-${String(Number(next[2]) + 1)}` : `${spec.name}-2`;
  return { ...spec, name: name.slice(0, 63), dataset: `${resolved.dataset.name}@${String(resolved.dataset.version)}` };
}

function Configuration({ initial }: { initial: Draft | null }) {
  const { view } = useSearch({ from: "/runs/new" });
  const navigate = useNavigate();
  // What the address asked for is in the draft now; a reload must bring back what was typed since.
  useEffect(() => {
    if (initial) void navigate({ to: "/runs/new", search: view === undefined ? {} : { view }, replace: true });
  }, [initial, view, navigate]);
  const shown: View = view === "yaml" || view === "curl" ? view : "form";
  return (
    <TrainingConfiguration
      initial={initial}
      view={shown}
      onView={(next) => void navigate({ to: "/runs/new", search: next === "form" ? {} : { view: next }, replace: true })}
      onStarted={(run) => void navigate({ to: "/runs/$runId/$tab", params: { runId: run.id, tab: "charts" } })}
    />
  );
}
