import { useRef } from "react";
import type { Store } from "@/shared/store";
import type { ViewWishes } from "./ChartView";
import type { MetricStore } from "./MetricStore";
import { describe } from "./describe";
import type { Mark } from "./marks";
import { useChartView } from "./useChartView";
import { useGestures, type OnMarks } from "./useGestures";
import type { OnZoom } from "./useZoom";

interface Props {
  store: MetricStore;
  name: string;
  wishes: ViewWishes;
  marks: readonly Mark[];
  colour: string;
  /** The x under the pointer, shared by all charts of a page. */
  hovered: Store<number | null>;
  onZoom: OnZoom;
  onMarks: OnMarks;
}

/** The curve of one metric, history and live. It is zoomed by hand (see `useGestures`). */
export function TrainingMetricsChart({ onZoom, onMarks, ...shown }: Props) {
  const { name, wishes, hovered } = shown;
  const canvas = useRef<HTMLCanvasElement>(null);
  const reading = useRef<HTMLOutputElement>(null);
  const view = useChartView(canvas, shown, (curve, marks) => {
    const [text, summary] = describe(name, wishes.axis, curve, hovered.get(), marks);
    if (reading.current) reading.current.textContent = text;
    if (hovered.get() === null) canvas.current?.setAttribute("aria-label", summary);
  });
  const gestures = useGestures(view, hovered, wishes, onZoom, onMarks);
  return (
    <figure className="chart card">
      <figcaption>
        <h3 className="mono">{name}</h3>
        <output ref={reading} className="muted" aria-live="off" />
      </figcaption>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keys zoom it and open its marks */}
      <div className="chart-canvas" role="group" aria-label={`Zoom and marks of ${name}`} aria-keyshortcuts="+ - 0 ArrowLeft ArrowRight , . Enter" tabIndex={0} {...gestures}>
        <canvas ref={canvas} role="img" aria-label={name} />
      </div>
    </figure>
  );
}
