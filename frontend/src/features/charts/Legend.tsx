import { Diamond, Eye, EyeOff, X } from "lucide-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { Run } from "@/shared/api/types";
import type { RunLook } from "@/shared/runColour";
import { IconButton } from "@/shared/ui/Button";
import { RunStateBadge } from "@/shared/ui/RunStateBadge";
import { Swatch } from "@/shared/ui/Swatch";
import type { ViewWishes } from "./address";
import { valueText } from "./chartSetup";
import { extremes, within, type CurveSource } from "./curve";
import { isBetterHigh } from "./groups";
import { historySpan, type Span } from "./useHistory";

interface Props {
  runs: readonly Run[];
  looks: ReadonlyMap<string, RunLook>;
  hidden: readonly string[];
  sourceOf: (id: string) => CurveSource;
  /** Whose values are told, of those there are. */
  metric: string;
  metrics: readonly string[];
  wishes: ViewWishes;
  flopsPerToken: (id: string) => number | null;
  onMetric: (name: string) => void;
  /** Of the run whose marks are on the charts. */
  marked: Run | null;
  onMark: (id: string | null) => void;
  onPoint: (id: string | null) => void;
  onHide: (id: string, hide: boolean) => void;
  onRemove: (id: string) => void;
}

/** The runs of a comparison: colour, eye, name, state, and where their curve of one metric is. */
export function Legend({ runs, metric, metrics, onMetric, ...row }: Props) {
  return (
    <section className="legend card" aria-label="Compared runs">
      <div className="legend-head">
        <label>
          <span className="visually-hidden">Values of </span>
          <select className="input" value={metric} onChange={({ target }) => onMetric(target.value)}>
            {(metrics.includes(metric) ? metrics : [metric, ...metrics]).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <span className="muted">newest, {isBetterHigh(metric) ? "highest" : "lowest"} in sight</span>
      </div>
      <ul>
        {runs.map((run) => (
          <Row key={run.id} run={run} metric={metric} {...row} />
        ))}
      </ul>
    </section>
  );
}

type RowProps = Omit<Props, "runs" | "metrics" | "onMetric"> & { run: Run };

function Row({ run, metric, looks, hidden, wishes, flopsPerToken, marked, sourceOf, onMark, onPoint, onHide, onRemove }: RowProps) {
  const { id, name, state } = run;
  const isHidden = hidden.includes(id);
  const look = looks.get(id);
  const Icon = isHidden ? EyeOff : Eye;
  const point = () => onPoint(id);
  const leave = () => onPoint(null);
  return (
    <li className="legend-row" data-hidden={isHidden || undefined} onPointerEnter={point} onPointerLeave={leave} onFocus={point} onBlur={leave}>
      <IconButton label={`${isHidden ? "Show" : "Hide"} ${name}`} aria-pressed={!isHidden} onClick={() => onHide(id, !isHidden)}>
        <Icon size={14} aria-hidden />
      </IconButton>
      {look && <Swatch {...look} />}
      <Link className="clip" to="/runs/$runId/$tab" params={{ runId: id, tab: "charts" }} title={name}>
        {name}
      </Link>
      <RunStateBadge state={state} />
      {isHidden ? <span className="muted legend-values">hidden</span> : <Values source={sourceOf(id)} metric={metric} {...historySpan(wishes, flopsPerToken(id))} />}
      {!isHidden && (
        <IconButton label={`Marks of ${name}`} aria-pressed={marked?.id === id} onClick={() => onMark(marked?.id === id ? null : id)}>
          <Diamond size={12} aria-hidden />
        </IconButton>
      )}
      <IconButton label={`Take ${name} out of the comparison`} onClick={() => onRemove(id)}>
        <X size={14} aria-hidden />
      </IconButton>
    </li>
  );
}

const TELL_EVERY_MS = 500;

function Values({ source, metric, axis, from, to }: Span & { source: CurveSource; metric: string }) {
  const [{ newest, least, most }, setEnds] = useState({ newest: NaN, least: NaN, most: NaN });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      timer = undefined;
      setEnds(extremes(within(source.curve(metric, axis), from, to)));
    };
    timer = setTimeout(look);
    const leave = source.subscribe(metric, () => (timer ??= setTimeout(look, TELL_EVERY_MS)));
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [source, metric, axis, from, to]);
  const text = (value: number) => (Number.isNaN(value) ? "–" : valueText(metric, value));
  return (
    <span className="legend-values">
      <strong>{text(newest)}</strong> <span className="muted">{text(isBetterHigh(metric) ? most : least)}</span>
    </span>
  );
}
