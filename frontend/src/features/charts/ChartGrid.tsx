import "./charts.css";
import { useMemo, useRef, useState } from "react";
import { ChartNoAxesCombined } from "lucide-react";
import type { Run } from "@/shared/api/types";
import { hasEnded } from "@/shared/api/queries";
import { plural } from "@/shared/format/numbers";
import { runColour } from "@/shared/runColour";
import { Store, useStore } from "@/shared/store";
import { ErrorBanner, ErrorNotice, Notice } from "@/shared/ui/Notice";
import { Skeleton } from "@/shared/ui/Skeleton";
import { ChartControls } from "./ChartControls";
import type { ViewWishes } from "./ChartView";
import type { MetricStore } from "./MetricStore";
import { MarkDialog } from "./MarkDialog";
import { TrainingMetricsChart } from "./TrainingMetricsChart";
import type { Mark } from "./marks";
import type { OnMarks } from "./useGestures";
import { useHistory } from "./useHistory";
import type { Pace } from "./zoom";

interface Props {
  run: Run;
  store: MetricStore;
  /** What is shown. */
  wishes: ViewWishes;
  /** What history is loaded for: the wishes, once they stay as they are for a moment. */
  asked: ViewWishes;
  marks: readonly Mark[];
  onChange: (change: Partial<ViewWishes>, pace: Pace) => void;
}

/** All metrics of a run, grouped by their prefix. */
export function ChartGrid(props: Props) {
  const { run, store, wishes, asked, onChange } = props;
  const names = useStore(store.names);
  const history = useHistory(run.id, store, asked, !hasEnded(run));
  const [hovered] = useState(() => new Store<number | null>(null));
  const groups = useMemo(() => grouped(names), [names]);
  const [opened, setOpened] = useState<{ marks: readonly Mark[]; opener: HTMLElement | null } | null>(null);
  const told = useRef<HTMLParagraphElement>(null);
  const onMarks = useMemo<OnMarks>(
    () => ({
      open: (marks, opener) => setOpened({ marks, opener }),
      tell: (marks) => told.current && (told.current.textContent = `${marks.map(({ text }) => text).join("; ")}. Enter tells more`),
    }),
    [],
  );
  if (names.length === 0) {
    if (history.isError) return <ErrorNotice error={history.error} onRetry={() => void history.refetch()} />;
    if (history.isPending) return <GridSkeleton />;
    return (
      <Notice icon={<ChartNoAxesCombined size={28} aria-hidden />} title="No points yet">
        <p>{hasEnded(run) ? `The run ended before its first step. ${run.reason}` : "The curves appear here with the first step."}</p>
      </Notice>
    );
  }
  return (
    <div className="stack">
      <ChartControls wishes={wishes} onChange={onChange} />
      {history.isError && <ErrorBanner error={history.error} />}
      {groups.map(([prefix, members]) => (
        <Group key={prefix} {...props} prefix={prefix} members={members} hovered={hovered} onMarks={onMarks} />
      ))}
      <p ref={told} className="visually-hidden" role="status" />
      {opened && <MarkDialog runId={run.id} parentId={run.parent_id} {...opened} onClose={() => setOpened(null)} />}
    </div>
  );
}

interface GroupProps extends Props {
  prefix: string;
  members: readonly string[];
  hovered: Store<number | null>;
  onMarks: OnMarks;
}

function Group({ run, store, wishes, marks, onChange, prefix, members, hovered, onMarks }: GroupProps) {
  return (
    <section className="stack" aria-label={prefix}>
      <h2>
        {prefix} <span className="muted">{plural(members.length, "chart")}</span>
      </h2>
      <div className="chart-grid">
        {members.map((name) => (
          <TrainingMetricsChart
            key={name}
            store={store}
            name={name}
            wishes={wishes}
            marks={marks}
            colour={runColour(run.id)}
            hovered={hovered}
            onMarks={onMarks}
            onZoom={(from, to, pace) => onChange({ from, to }, pace)}
          />
        ))}
      </div>
    </section>
  );
}

const ORDER = ["train", "val", "perf", "system"];

function grouped(names: readonly string[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const prefix = name.split("/")[0] ?? name;
    groups.set(prefix, [...(groups.get(prefix) ?? []), name]);
  }
  const place = (prefix: string) => (ORDER.includes(prefix) ? ORDER.indexOf(prefix) : ORDER.length);
  const first = (name: string) => (name.endsWith("/loss") ? 0 : 1);
  for (const members of groups.values()) members.sort((a, b) => first(a) - first(b) || a.localeCompare(b));
  return [...groups].sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b));
}

function GridSkeleton() {
  return (
    <div className="chart-grid">
      {[0, 1, 2].map((index) => (
        <div key={index} className="card card-body">
          <Skeleton lines={1} height={200} />
        </div>
      ))}
    </div>
  );
}
