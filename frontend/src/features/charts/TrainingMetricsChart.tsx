import { useRef, useState } from "react";
import type { Store } from "@/shared/store";
import type { ChartView } from "./ChartView";
import { Readings, type Pointed } from "./Readings";
import type { ViewWishes } from "./address";
import { within } from "./curve";
import { describe, readingsAt, unplaced } from "./describe";
import type { Line } from "./lines";
import type { Mark } from "./marks";
import { useChartView } from "./useChartView";
import { useGestures, type OnMarks } from "./useGestures";
import type { OnZoom } from "./useZoom";

interface Props {
  name: string;
  lines: readonly Line[];
  wishes: ViewWishes;
  marks: readonly Mark[];
  /** The x under the pointer, shared by all charts of a page. */
  hovered: Store<number | null>;
  onZoom: OnZoom;
  onMarks: OnMarks;
}

/** The curves of one metric, history and live. It is zoomed by hand (see `useGestures`). */
export function TrainingMetricsChart({ onZoom, onMarks, ...shown }: Props) {
  const { name, wishes, hovered, lines } = shown;
  const canvas = useRef<HTMLCanvasElement>(null);
  const reading = useRef<HTMLOutputElement>(null);
  const under = useRef(false);
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const view = useChartView(canvas, shown, (chart) => {
    const { marks } = chart.overlay;
    const drawn = chart.overlay.drawn.map(({ line, curve }) => ({ line, curve: within(curve, wishes.from, wishes.to) }));
    const x = hovered.get();
    const [text, summary] = describe(name, wishes.axis, drawn, x, marks);
    const missing = unplaced(wishes.log, drawn);
    if (reading.current) reading.current.textContent = text + missing;
    if (x === null) canvas.current?.setAttribute("aria-label", summary + missing);
    setPointed(under.current && x !== null && lines.length > 1 ? pointedAt(chart, x) : null);
  });
  const gestures = useGestures(view, hovered, wishes, onZoom, onMarks);
  return (
    <figure className="chart card" onPointerEnter={() => (under.current = true)} onPointerLeave={() => (under.current = false)}>
      <figcaption>
        <h3 className="mono">{name}</h3>
        <output ref={reading} className="muted" aria-live="off" />
      </figcaption>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keys zoom it and open its marks */}
      <div className="chart-canvas" role="group" aria-label={`Zoom and marks of ${name}`} aria-keyshortcuts="+ - 0 ArrowLeft ArrowRight , . Enter Escape" tabIndex={0} {...gestures}>
        <canvas ref={canvas} role="img" aria-label={name} />
        {pointed && <Readings name={name} axis={wishes.axis} pointed={pointed} />}
      </div>
    </figure>
  );
}

function pointedAt(view: ChartView, x: number): Pointed {
  const [low, high] = view.range;
  return { x, pixel: view.pixelOf(x), side: x < (low + high) / 2 ? "left" : "right", readings: readingsAt(view.overlay.drawn, x) };
}
