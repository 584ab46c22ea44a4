import type { MetricStore } from "./MetricStore";
import { LAYERS, createChart, paint, setScales, type LineChart, type XY } from "./chartSetup";
import { emptyBuckets, type Axis, type Buckets } from "./curve";
import type { Mark } from "./marks";
import { overlayPlugin, type Overlay } from "./overlays";
import { redraws } from "./redraw";
import { smooth } from "./smoothing";

export interface ViewWishes {
  axis: Axis;
  from: number | undefined;
  to: number | undefined;
  log: boolean;
  /** 0 to below 1 */
  smoothing: number;
}

/** One canvas and its curve. No React: it is told what to show and changes its data in place. */
export class ChartView {
  readonly overlay: Overlay = { curve: emptyBuckets(), marks: [], hovered: null, selection: null };
  private readonly chart: LineChart;
  private readonly smoothed: number[] = [];
  private wishes: ViewWishes = { axis: "step", from: undefined, to: undefined, log: false, smoothing: 0 };
  private visible = true;
  private late = false;
  private drawn = false;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly store: MetricStore,
    private readonly name: string,
    private readonly onData: (curve: Buckets) => void,
  ) {
    this.chart = createChart(canvas, [overlayPlugin(this.overlay)]);
  }

  /** The curve has changed. */
  readonly refresh = (): void => {
    if (this.visible || !this.drawn) redraws.request(this.update);
    else this.late = true;
  };

  setVisible(visible: boolean): void {
    this.visible = visible;
    if (visible && this.late) this.refresh();
  }

  show(wishes: ViewWishes, colour: string): void {
    this.wishes = wishes;
    setScales(this.chart, wishes);
    paint(this.chart, colour);
    this.refresh();
  }

  setMarks(marks: readonly Mark[]): void {
    this.overlay.marks = this.wishes.axis === "step" ? marks : [];
    this.refresh();
  }

  hover(x: number | null): void {
    if (this.overlay.hovered === x) return;
    this.overlay.hovered = x;
    if (this.visible) this.chart.draw();
  }

  select(selection: readonly [number, number] | null): void {
    this.overlay.selection = selection;
    this.chart.draw();
  }

  valueAt(pixel: number): number {
    return this.chart.scales.x?.getValueForPixel(pixel) ?? 0;
  }

  get range(): readonly [number, number] {
    const x = this.chart.scales.x;
    return [x?.min ?? 0, x?.max ?? 1];
  }

  destroy(): void {
    redraws.cancel(this.update);
    this.chart.destroy();
  }

  private readonly update = (): void => {
    this.late = false;
    this.drawn = true;
    const curve = this.store.curve(this.name);
    this.overlay.curve = curve;
    const { smoothing, log } = this.wishes;
    const joined = curve.count.some((count) => count > 1);
    smooth(curve.mean, smoothing, this.smoothed);
    this.fill(LAYERS.high, curve.x, joined ? curve.max : null, log);
    this.fill(LAYERS.low, curve.x, joined ? curve.min : null, log);
    this.fill(LAYERS.raw, curve.x, smoothing > 0 ? curve.mean : null, log);
    this.fill(LAYERS.line, curve.x, this.smoothed, log);
    this.chart.update("none");
    this.onData(curve);
  };

  /** Objects are used again, so that a live chart makes no garbage. On a log scale there is no place for zero. */
  private fill(layer: number, xs: readonly number[], values: readonly number[] | null, log: boolean): void {
    const data = this.chart.data.datasets[layer]?.data;
    if (!data) return;
    data.length = Math.min(data.length, values ? xs.length : 0);
    if (!values) return;
    const added: XY[] = [];
    for (let index = 0; index < xs.length; index += 1) {
      const x = xs[index] ?? NaN;
      const value = values[index] ?? NaN;
      const y = log && value <= 0 ? NaN : value;
      const point = data[index];
      if (point) Object.assign(point, { x, y });
      else added.push({ x, y });
    }
    // In one go: Chart.js watches the array, and every call costs it a pass over the chart.
    if (added.length > 0) data.push(...added);
  }
}
