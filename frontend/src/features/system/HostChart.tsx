import { useEffect, useRef, type KeyboardEvent, type PointerEvent, type RefObject } from "react";
import type { Store } from "@/shared/store";
import { useStore } from "@/shared/store";
import { useInSight } from "@/shared/useInSight";
import { onThemeChange } from "@/shared/theme";
import { integer } from "@/shared/format/numbers";
import { exactTime } from "@/shared/format/time";
import { readingText } from "@/shared/workers/readings";
import { TimeChart, lineColour, type Span } from "./TimeChart";
import { emptyCurve, valueAt, type Curve } from "./curves";
import type { Panel } from "./panels";

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

const LEAST_PIXELS = 6;
const UNREAD_SECONDS = 5;

/** One chart of a host, with what its lines say at the crosshair, or now. */
export function HostChart(props: Props) {
  const { host, panel, curves, span, follows, width, hovered } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [figure, seen] = useInSight<HTMLElement>();
  const chart = useChart(canvas, props, seen);
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
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keys move the crosshair and zoom out */}
      <div className="host-canvas" role="group" aria-label={`${panel.title} of ${host}: crosshair and zoom`} aria-keyshortcuts="ArrowLeft ArrowRight 0" tabIndex={0} {...gestures(chart, props)}>
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
    const top = typeof panel.top === "string" ? curves.get(panel.top)?.max.at(-1) : panel.top;
    const lines = panel.lines.map(({ name }) => curves.get(name) ?? emptyCurve());
    chart.current?.show({ curves: lines, span, top, gap: Math.max(UNREAD_SECONDS, 3 * width) });
  }, [panel, curves, span, width, count, unit, seen]);
  return chart;
}

function gestures(chart: RefObject<TimeChart | null>, { span, hovered, onZoom }: Props) {
  const place = (event: PointerEvent<HTMLElement>) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  const select = (selection: readonly [number, number] | null) => {
    if (!chart.current) return;
    chart.current.selection = selection;
    chart.current.draw();
  };
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      select([place(event), place(event)]);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (!chart.current) return;
      hovered.set(chart.current.secondAt(place(event)));
      if (chart.current.selection) select([chart.current.selection[0], place(event)]);
    },
    onPointerUp: () => {
      const picked = chart.current?.selection;
      select(null);
      if (!chart.current || !picked || Math.abs(picked[1] - picked[0]) < LEAST_PIXELS) return;
      const [from, to] = [Math.min(...picked), Math.max(...picked)].map((pixel) => chart.current?.secondAt(pixel) ?? 0);
      if (from !== undefined && to !== undefined) onZoom([Math.floor(from), Math.max(Math.ceil(to), Math.floor(from) + UNREAD_SECONDS)]);
    },
    onPointerCancel: () => select(null),
    onPointerLeave: () => hovered.set(null),
    onDoubleClick: () => onZoom(),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (direction) hovered.set(Math.min(Math.max((hovered.get() ?? span[1]) + (direction * (span[1] - span[0])) / 50, span[0]), span[1]));
      else if (event.key === "0") onZoom();
      else if (event.key === "Escape") hovered.set(null);
      else return;
      event.preventDefault();
    },
  };
}
