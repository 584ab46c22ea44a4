import { useEffect, useRef, type RefObject } from "react";
import type { Span } from "@/shared/span";
import type { Store } from "@/shared/store";
import { emptyCurve, type Curve } from "@/shared/curve";
import { useStore } from "@/shared/store";
import { useInSight } from "@/shared/useInSight";
import { onThemeChange } from "@/shared/theme";
import { integer } from "@/shared/format/numbers";
import { exactTime } from "@/shared/format/time";
import { readingText } from "@/shared/workers/readings";
import { TimeChart, lineColour } from "./TimeChart";
import { valueAt } from "./curves";
import { topOf, type Panel } from "./panels";
import { useHostGestures } from "./useHostGestures";

interface Props {
  host: string;
  panel: Panel;
  curves: ReadonlyMap<string, Curve>;
  span: Span;
  /** Whether the span ends now. */
  follows: boolean;
  /** Width of a bucket in seconds. */
  width: number;
  /** The second under the pointer, shared by all charts of the page. */
  hovered: Store<number | null>;
  /** Without a span: all of it. */
  onZoom: (span?: Span) => void;
}

const UNREAD_SECONDS = 5;

/** One chart of a host, with what its lines say at the crosshair, or now. */
export function HostChart(props: Props) {
  const { host, panel, curves, span, follows, width, hovered } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [figure, seen] = useInSight<HTMLElement>();
  const chart = useChart(canvas, props, seen);
  const gestures = useHostGestures(chart, props);
  const second = useStore(hovered);
  const shown = panel.lines.map((line) => ({ ...line, curve: curves.get(line.name) ?? emptyCurve() }));
  const reach = Math.max(width, UNREAD_SECONDS);
  const textAt = (curve: Curve, at: number | null) => readingText(panel.unit, valueAt(curve, at, reach));
  const end = follows ? null : span[1];
  const points = shown.reduce((sum, { curve }) => sum + curve.count.reduce((all, count) => all + count, 0), 0);
  const values = shown.map(({ label, curve }) => [label, textAt(curve, second ?? end)] as const);
  const now = shown.map(({ label, curve }) => `${label} ${textAt(curve, end)}`).join(", ");
  return (
    <figure ref={figure} className="card host-chart">
      <figcaption>
        <h3>{panel.title}</h3>
        <span className="muted host-chart-time">{second === null ? "" : exactTime(second * 1000)}</span>
        <ul>
          {values.map(([label, text], index) => (
            <li key={label}>
              <i style={{ background: `var(${lineColour(index)})` }} aria-hidden /> {label} <b>{text}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keys move the crosshair and zoom */}
      <div className="host-canvas" role="group" aria-label={`${panel.title} of ${host}: crosshair and zoom`} aria-keyshortcuts="+ - 0 ArrowLeft ArrowRight Escape" tabIndex={0} {...gestures}>
        <canvas ref={canvas} role="img" aria-label={`${panel.title} of ${host}: ${now}; ${integer(points)} points`} />
      </div>
    </figure>
  );
}

function useChart(canvas: RefObject<HTMLCanvasElement | null>, { panel, curves, span, width, hovered }: Props, seen: boolean): RefObject<TimeChart | null> {
  const chart = useRef<TimeChart>(null);
  const { unit } = panel;
  const count = panel.lines.length;
  useEffect(() => {
    if (!canvas.current) return undefined;
    const created = (chart.current = new TimeChart(canvas.current, count, unit));
    const leaveTheme = onThemeChange(() => created.paint());
    const leaveHover = hovered.subscribe(() => {
      created.hovered = hovered.get();
      created.draw();
    });
    return () => {
      leaveTheme();
      leaveHover();
      created.destroy();
      chart.current = null;
    };
  }, [canvas, count, unit, hovered]);
  useEffect(() => {
    if (!seen) return;
    const lines = panel.lines.map(({ name }) => curves.get(name) ?? emptyCurve());
    chart.current?.show({ curves: lines, span, top: topOf(panel, curves), gap: Math.max(UNREAD_SECONDS, 3 * width) });
  }, [panel, curves, span, width, count, unit, seen]);
  return chart;
}
