import "./charts.css";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { plural } from "@/shared/format/numbers";
import { Store } from "@/shared/store";
import { ChartControls } from "./ChartControls";
import { TrainingMetricsChart } from "./TrainingMetricsChart";
import type { ViewWishes } from "./address";
import { axisOfHistory, stretched, type Axis } from "./curve";
import { grouped } from "./groups";
import type { Line } from "./lines";
import type { Mark } from "./marks";
import { useChartKeys, type OnWishes } from "./useChartKeys";
import type { OnMarks } from "./useGestures";

interface Props {
  names: readonly string[];
  lines: readonly Line[];
  wishes: ViewWishes;
  marks: readonly Mark[];
  withoutFlops: boolean;
  /** Whether more points are to come. */
  live: boolean;
  onChange: OnWishes;
  onOpen: (marks: readonly Mark[], opener: HTMLElement | null) => void;
  /** Between the controls and the charts. */
  children?: ReactNode;
}

/** A chart for each metric, grouped by their prefix, under one bar of controls. */
export function ChartGrid({ children, withoutFlops, live, onOpen, ...shown }: Props) {
  const { names, lines, wishes, onChange } = shown;
  const [hovered] = useState(() => new Store<number | null>(null));
  const groups = useMemo(() => grouped(names), [names]);
  const told = useRef<HTMLParagraphElement>(null);
  const onMarks = useMemo<OnMarks>(
    () => ({
      open: onOpen,
      tell: (marks) => told.current && (told.current.textContent = `${marks.map(({ text }) => text).join("; ")}. Enter tells more`),
    }),
    [onOpen],
  );
  const following = wishes.to === undefined;
  const toggleFollow = () => onChange({ to: following ? newestOf(names, lines, axisOfHistory(wishes.axis)) : undefined }, "at once");
  useChartKeys(wishes, onChange, toggleFollow);
  return (
    <div className="stack">
      <ChartControls wishes={wishes} withoutFlops={withoutFlops} onChange={onChange} follow={live ? { on: following, toggle: toggleFollow } : null} />
      {children}
      {groups.map(([prefix, members]) => (
        <Group key={prefix} {...shown} prefix={prefix} members={members} hovered={hovered} onMarks={onMarks} />
      ))}
      <p ref={told} className="visually-hidden" role="status" />
    </div>
  );
}

interface GroupProps extends Pick<Props, "lines" | "wishes" | "marks" | "onChange"> {
  prefix: string;
  members: readonly string[];
  hovered: Store<number | null>;
  onMarks: OnMarks;
}

function Group({ prefix, members, lines, wishes, marks, hovered, onMarks, onChange }: GroupProps) {
  return (
    <section className="stack" aria-label={prefix}>
      <h2>
        {prefix} <span className="muted">{plural(members.length, "chart")}</span>
      </h2>
      <div className="chart-grid">
        {members.map((name) => (
          <TrainingMetricsChart
            key={name}
            name={name}
            lines={lines}
            wishes={wishes}
            marks={marks}
            hovered={hovered}
            onMarks={onMarks}
            onZoom={(from, to, pace) => onChange({ from, to }, pace)}
          />
        ))}
      </div>
    </section>
  );
}

/** Where the charts stand still when they no longer follow. */
function newestOf(names: readonly string[], lines: readonly Line[], axis: Axis): number | undefined {
  const ends = names.flatMap((name) => lines.flatMap(({ source, factor }) => stretched(source.curve(name, axis), factor).x.at(-1) ?? []));
  return ends.length > 0 ? Math.max(...ends) : undefined;
}
