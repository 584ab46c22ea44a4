import { indexFrom } from "@/shared/curve";
import type { LineChart, XY } from "@/shared/lineChart";
import type { ViewWishes } from "./address";
import { LAYERS, createChart, paint, setScales } from "./chartSetup";
import { clipRange } from "./clip";
import { axisOfHistory, stretched, type Buckets } from "./curve";
import type { Line } from "./lines";
import { markBeside, marksAt } from "./markPlaces";
import type { Mark } from "./marks";
import { overlayPlugin, type Overlay } from "./overlays";
import { redraws } from "./redraw";
import { smooth } from "./smoothing";

/** The array's own push is watched by Chart.js, which looks at all of the data anyway when it updates. */
const append: (this: XY[], point: XY) => number = Array.prototype.push;
const DRAWN = "groundup:curve-drawn";

/** A line as it was drawn last. */
export interface Drawn {
  line: Line;
  curve: Buckets;
  /** Of a line that is smoothed; else the means themselves. */
  shown: readonly number[];
}

/** One canvas and its curves, of one metric. No React: it is told what to show and changes its data in place. */
export class ChartView {
  readonly overlay: Overlay = { drawn: [], marks: [], hovered: null, selection: null };
  /** Made when it is drawn first, so that a page with many charts shows one after the other, and none that nobody sees. */
  private chart: LineChart | null = null;
  private lines: readonly Line[] = [];
  private readonly smoothed = new Map<string, number[]>();
  private wishes: ViewWishes = { axis: "step", from: undefined, to: undefined, log: false, smoothing: 0, clip: false, attempts: false };
  private visible = false;
  private late = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly name: string,
    private readonly onDrawn: () => void,
  ) {}

  /** A curve has changed. `asked`: as somebody wished. */
  readonly refresh = (asked = true): void => {
    if (this.visible) redraws.request(this.update, asked);
    else this.late = true;
  };

  setVisible(visible: boolean): void {
    this.visible = visible;
    if (visible && this.late) this.refresh();
  }

  show(wishes: ViewWishes, lines: readonly Line[]): void {
    this.wishes = wishes;
    this.lines = lines;
    if (this.chart) this.dress(this.chart);
    this.refresh();
  }

  /** Their x is that of the axis. */
  setMarks(marks: readonly Mark[]): void {
    this.overlay.marks = marks;
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

  pixelOf(x: number): number {
    return this.chart?.scales.x?.getPixelForValue(x) ?? 0;
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
    paint(chart, this.lines);
  }

  private readonly update = (): void => {
    this.late = false;
    const chart = (this.chart ??= this.create());
    const drawn = this.lines.map((line) => this.take(line));
    this.overlay.drawn = drawn;
    drawn.forEach((each, index) => fillLine(chart, index, each, this.wishes));
    this.clip(chart, drawn);
    chart.update("none");
    this.onDrawn();
    this.tellTimeline(drawn);
  };

  private take(line: Line): Drawn {
    const curve = stretched(line.source.curve(this.name, axisOfHistory(this.wishes.axis)), line.factor);
    if (this.wishes.smoothing === 0) return { line, curve, shown: curve.mean };
    const smoothed = this.smoothed.get(line.id) ?? [];
    this.smoothed.set(line.id, smoothed);
    smooth(curve, this.wishes.smoothing, line.unit, smoothed);
    return { line, curve, shown: smoothed };
  }

  private clip(chart: LineChart, drawn: readonly Drawn[]): void {
    const { y } = chart.options.scales ?? {};
    if (!y) return;
    const { clip, log, from, to } = this.wishes;
    const inSight = ({ curve: { x }, shown }: Drawn) => shown.slice(from === undefined ? 0 : indexFrom(x, from), to === undefined ? undefined : indexFrom(x, to) + 1);
    const [min, max] = (clip && clipRange(drawn.flatMap(inSight), log)) || [undefined, undefined];
    Object.assign(y, { min, max });
  }

  /** For whoever watches the page's timeline (`./run bench-ui`, the browser's profiler); not kept, as a page may stay open for days. */
  private tellTimeline(drawn: readonly Drawn[]): void {
    const ends = drawn.flatMap(({ curve }) => curve.x.at(-1) ?? []);
    performance.mark(DRAWN, { detail: { name: this.name, last: ends.length > 0 ? Math.min(...ends) : null, lines: ends.length } });
    performance.clearMarks(DRAWN);
  }
}

function fillLine(chart: LineChart, index: number, { line, curve, shown }: Drawn, { smoothing, log }: ViewWishes): void {
  const datasets = chart.data.datasets.slice(index * LAYERS.length, (index + 1) * LAYERS.length);
  const band = line.look === "plain" && curve.count.some((count) => count > 1);
  const layers = { value: shown, raw: smoothing > 0 && line.look !== "earlier" ? curve.mean : null, high: band ? curve.max : null, low: band ? curve.min : null };
  LAYERS.forEach((layer, place) => fill(datasets[place]?.data ?? [], curve.x, layers[layer], log));
}

/** Objects are used again, so that a live chart makes no garbage. On a log scale there is no place for zero. */
function fill(data: XY[], xs: readonly number[], values: readonly number[] | null, log: boolean): void {
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
