import "./system.css";
import { RotateCcw, Server } from "lucide-react";
import { useMemo, useState } from "react";
import { hasEnded } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { clockTime } from "@/shared/format/time";
import type { Span } from "@/shared/span";
import { Store } from "@/shared/store";
import { Button } from "@/shared/ui/Button";
import { Notice } from "@/shared/ui/Notice";
import { Segments } from "@/shared/ui/Segments";
import { useNow } from "@/shared/useNow";
import { Host } from "./Host";
import { hostsOf, type RunHost } from "./hosts";
import { within } from "./stretch";

/** What is in sight: a stretch of time, the last seconds before now, or all of the run. */
export type View = { from: number; to: number } | { last: number } | null;

const LAST = [
  ["all", "Whole run"],
  ["3600", "Last hour"],
  ["600", "Last 10 min"],
] as const;

interface Props {
  run: Run;
  view: View;
  onView: (view: View) => void;
}

/** The hosts that a run's attempts have been on, over its lifetime. */
export function RunSystem({ run, view, onView }: Props) {
  const now = useNow() / 1000;
  const [hovered] = useState(() => new Store<number | null>(null));
  const hosts = useMemo(() => hostsOf(run.attempts), [run.attempts]);
  const live = hosts.some(({ ended }) => ended === null);
  const whole = lifetime(hosts, now);
  const [from, to] = spanOf(view, whole);
  // Charts are drawn anew for another span only.
  const shown = useMemo<Span>(() => [from, to], [from, to]);
  if (hosts.length === 0) {
    return (
      <Notice icon={<Server size={28} aria-hidden />} title="No worker yet">
        <p>{hasEnded(run) ? "The run ended before a worker took it." : "What the worker's processors, memory, disk, network and GPUs do is shown here from its first second on."}</p>
      </Notice>
    );
  }
  const zoomTo = (wished?: Span) => {
    const span = wished ? within(wished, whole) : null;
    onView(span && { from: span[0], to: span[1] });
  };
  const zoomed = view !== null && "from" in view;
  return (
    <div className="stack">
      <div className="row spread system-controls">
        <Segments label="Time" value={view === null ? "all" : "last" in view ? String(view.last) : ""} options={LAST} onChange={(last) => onView(last === "all" ? null : { last: Number(last) })} />
        {zoomed ? (
          <Button onClick={() => onView(null)}>
            <RotateCcw size={14} aria-hidden /> Show all <span className="muted">{`${clockTime(view.from * 1000)}–${clockTime(view.to * 1000)}`}</span>
          </Button>
        ) : (
          <span className="muted system-hint">drag over a chart or + − to zoom; ← → move the crosshair; double click or 0 shows all</span>
        )}
      </div>
      {hosts.map((host) => (
        <Host key={host.worker} host={host} span={shown} follows={live && !zoomed} hovered={hovered} onZoom={zoomTo} />
      ))}
    </div>
  );
}

/** From the first attempt to the end of the last, or until now. */
function lifetime(hosts: readonly RunHost[], now: number): Span {
  return [Math.min(...hosts.map(({ started }) => started)), Math.max(...hosts.map(({ ended }) => ended ?? now))];
}

function spanOf(view: View, whole: Span): Span {
  if (view === null) return [whole[0], Math.max(whole[1], whole[0] + 10)];
  return "from" in view ? [view.from, view.to] : [whole[1] - view.last, whole[1]];
}
