import { useCallback, useEffect, useRef } from "react";
import { integer } from "@/shared/format/numbers";
import type { Store } from "@/shared/store";
import { onThemeChange } from "@/shared/theme";
import { ChartView, type ViewWishes } from "./ChartView";
import type { MetricStore } from "./MetricStore";
import { axisText, valueText } from "./chartSetup";
import { nearestIndex, type Buckets } from "./curve";
import type { Mark } from "./marks";
import { useGestures } from "./useGestures";

interface Props {
  store: MetricStore;
  name: string;
  wishes: ViewWishes;
  marks: readonly Mark[];
  colour: string;
  /** The x under the pointer, shared by all charts of a page. */
  hovered: Store<number | null>;
  onZoom: (from: number | undefined, to: number | undefined) => void;
}

/** The curve of one metric, history and live. Drag or Ctrl + wheel zooms, a double click shows all. */
export function TrainingMetricsChart({ store, name, wishes, marks, colour, hovered, onZoom }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const reading = useRef<HTMLOutputElement>(null);
  const view = useRef<ChartView>(null);
  const { axis } = wishes;

  const tell = useCallback(
    (curve: Buckets) => {
      const [text, summary] = describe(name, axis, curve, hovered.get(), view.current?.overlay.marks ?? []);
      if (reading.current) reading.current.textContent = text;
      if (hovered.get() === null) canvas.current?.setAttribute("aria-label", summary);
    },
    [name, axis, hovered],
  );
  const latestTell = useRef(tell);
  useEffect(() => {
    latestTell.current = tell;
  });

  useEffect(() => {
    if (!canvas.current) return undefined;
    const created = new ChartView(canvas.current, store, name, (curve) => latestTell.current(curve));
    view.current = created;
    const leaveStore = store.subscribe(name, created.refresh);
    const leaveHover = hovered.subscribe(() => {
      created.hover(hovered.get());
      latestTell.current(created.overlay.curve);
    });
    const watcher = new IntersectionObserver(([entry]) => created.setVisible(entry?.isIntersecting ?? true), { rootMargin: "120px" });
    watcher.observe(canvas.current);
    return () => {
      watcher.disconnect();
      leaveStore();
      leaveHover();
      created.destroy();
      view.current = null;
    };
  }, [store, name, hovered]);

  useEffect(() => {
    const show = () => view.current?.show(wishes, colour);
    show();
    view.current?.setMarks(marks);
    return onThemeChange(show);
  }, [store, name, hovered, wishes, marks, colour]);

  const gestures = useGestures(view, hovered, onZoom);
  return (
    <figure className="chart card">
      <figcaption>
        <h3 className="mono">{name}</h3>
        <output ref={reading} className="muted" aria-live="off" />
      </figcaption>
      <div className="chart-canvas" {...gestures}>
        <canvas ref={canvas} role="img" aria-label={name} />
      </div>
    </figure>
  );
}

/** What the caption says, and the chart in words. */
function describe(name: string, axis: ViewWishes["axis"], curve: Buckets, hovered: number | null, marks: readonly Mark[]): [string, string] {
  const last = curve.x.length - 1;
  if (last < 0) return ["no points yet", `${name}: no points yet`];
  const index = hovered === null ? last : nearestIndex(curve.x, hovered);
  const x = curve.x[index] ?? 0;
  const at = axis === "step" ? `step ${integer(x)}` : axisText(axis, x) + (axis === "tokens" ? " tokens" : "");
  const value = valueText(name, (hovered === null ? curve.last : curve.mean)[index] ?? NaN);
  const near = hovered === null ? undefined : marks.find((mark) => Math.abs(mark.x - hovered) <= Math.max(1, (curve.x[last] ?? 1) / 200));
  const points = curve.count.reduce((sum, count) => sum + count, 0);
  // The newest point is in a bucket with others, of which only the first is placed.
  if (hovered === null && (curve.count[last] ?? 1) > 1) return [`${value} · ${integer(points)} points`, `${name}: ${value}, ${integer(points)} points`];
  return [`${value} · ${at}${near ? ` · ${near.text}` : ""}`, `${name}: ${value} at ${at}, ${integer(points)} points`];
}
