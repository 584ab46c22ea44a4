import type { MetricStore } from "./MetricStore";
import { LAYERS, createChart, paint, setScales, type LineChart, type XY } from "./chartSetup";
import { emptyBuckets, type Axis, type Buckets } from "./curve";
import { markBeside, marksAt, type Mark } from "./marks";
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

/** The array's own push is watched by Chart.js, which looks at all of the data anyway when it updates. */
const append: (this: XY[], point: XY) => number = Array.prototype.push;
const DRAWN = "groundup:curve-drawn";

/** One canvas and its curve. No React: it is told what to show and changes its data in place. */
export class ChartView {
  readonly overlay: Overlay = { curve: emptyBuckets(), marks: [], hovered: null, selection: null };
  /** Made when it is drawn first, so that a page with many charts shows one after the other, and none that nobody sees. */
  private chart: LineChart | null = null;
  private colour = "";
  private readonly smoothed: number[] = [];
  private wishes: ViewWishes = { axis: "step", from: undefined, to: undefined, log: false, smoothing: 0 };
  private visible = false;
  private late = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly store: MetricStore,
    private readonly name: string,
    private readonly onData: (curve: Buckets) => void,
  ) {}

  /** The curve has changed. */
  readonly refresh = (): void => {
    if (this.visible) redraws.request(this.update);
    else this.late = true;
  };

  setVisible(visible: boolean): void {
    this.visible = visible;
    if (visible && this.late) this.refresh();
  }

  show(wishes: ViewWishes, colour: string): void {
    this.wishes = wishes;
    this.colour = colour;
    if (this.chart) this.dress(this.chart);
    this.refresh();
  }

  setMarks(marks: readonly Mark[]): void {
    this.overlay.marks = this.wishes.axis === "step" ? marks : [];
    this.refresh();
  }

  hover(x: number | null): void {
    if (this.overlay.hovered === x) return;
    this.overlay.hovered = x;
    if (this.visible) this.chart?.draw();
  }

  select(selection: readonly [number, number] | null): void {
    this.overlay.selection = selection;
    this.chart?.draw();
  }

  valueAt(pixel: number): number {
    return this.chart?.scales.x?.getValueForPixel(pixel) ?? 0;
  }

  /** What a click at a pixel means. */
  marksAtPixel(pixel: number): Mark[] {
    const x = this.chart?.scales.x;
    if (!x) return [];
    const [low, high] = this.range;
    const seen = this.overlay.marks.filter((mark) => mark.x >= low && mark.x <= high);
    return marksAt(seen, pixel, (value) => x.getPixelForValue(value));
  }

  marksAtValue(x: number | null): Mark[] {
    return this.overlay.marks.filter((mark) => mark.x === x);
  }

  markBeside(from: number | null, direction: 1 | -1): Mark | undefined {
    return markBeside(this.overlay.marks, from, direction, this.range);
  }

  get range(): readonly [number, number] {
    const x = this.chart?.scales.x;
    return [x?.min ?? 0, x?.max ?? 1];
  }

  destroy(): void {
    redraws.cancel(this.update);
    this.chart?.destroy();
  }

  private create(): LineChart {
    const chart = createChart(this.canvas, [overlayPlugin(this.overlay)]);
    this.dress(chart);
    return chart;
  }

  private dress(chart: LineChart): void {
    setScales(chart, this.wishes);
    paint(chart, this.colour);
  }

  private readonly update = (): void => {
    this.late = false;
    const chart = (this.chart ??= this.create());
    const curve = this.store.curve(this.name);
    this.overlay.curve = curve;
    const { smoothing, log } = this.wishes;
    const joined = curve.count.some((count) => count > 1);
    smooth(curve.mean, smoothing, this.smoothed);
    fill(chart, LAYERS.high, curve.x, joined ? curve.max : null, log);
    fill(chart, LAYERS.low, curve.x, joined ? curve.min : null, log);
    fill(chart, LAYERS.raw, curve.x, smoothing > 0 ? curve.mean : null, log);
    fill(chart, LAYERS.line, curve.x, this.smoothed, log);
    chart.update("none");
    this.onData(curve);
    this.tellTimeline(curve.x.at(-1) ?? null);
  };

  /** For whoever watches the page's timeline (`./run bench-ui`, the browser's profiler); not kept, as a page may stay open for days. */
  private tellTimeline(last: number | null): void {
    performance.mark(DRAWN, { detail: { name: this.name, last } });
    performance.clearMarks(DRAWN);
  }
}

/** Objects are used again, so that a live chart makes no garbage. On a log scale there is no place for zero. */
function fill(chart: LineChart, layer: number, xs: readonly number[], values: readonly number[] | null, log: boolean): void {
  const data = chart.data.datasets[layer]?.data;
  if (!data) return;
  data.length = Math.min(data.length, values ? xs.length : 0);
  if (!values) return;
  for (let index = 0; index < xs.length; index += 1) {
    const x = xs[index] ?? NaN;
    const value = values[index] ?? NaN;
    const y = log && value <= 0 ? NaN : value;
    const point = data[index];
    if (point) {
      point.x = x;
      point.y = y;
    } else append.call(data, { x, y });
  }
}
