import { Chart, type Plugin } from "chart.js";
import type { Curve } from "@/shared/curve";
import { LINE_OPTIONS, drawSelection, drawUpright, paintAxes, tokensOf, type LineChart, type XY } from "@/shared/lineChart";
import type { Span } from "@/shared/span";
import { readingText, type Unit } from "@/shared/workers/readings";
import { timeText, timeTicks } from "./ticks";

export interface Shown {
  curves: readonly Curve[];
  /** In seconds since 1970, as all of system/. */
  span: Span;
  /** End of the vertical scale; open without it. */
  top: number | undefined;
  /** What stays unjoined: nobody was there to read. In seconds. */
  gap: number;
}

const MOST_TICKS = 6;

export function lineColour(index: number): string {
  return `--run-${String((index % 10) + 1)}`;
}

/** Several readings on one canvas, each a line with a band from lowest to highest. No React: created once and changed in place. */
export class TimeChart {
  hovered: number | null = null;
  private selection: readonly [number, number] | null = null;
  private readonly chart: LineChart;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly count: number,
    unit: Unit,
  ) {
    this.chart = new Chart<"line", XY[]>(canvas, {
      type: "line",
      data: { datasets: Array.from({ length: count * 3 }, (_, index) => layer(index)) },
      options: {
        ...LINE_OPTIONS,
        events: [],
        scales: {
          x: {
            type: "linear",
            grid: { drawTicks: false },
            ticks: { maxRotation: 0, padding: 6, callback: (value, _, ticks) => timeText(Number(value), ticks.length > 1 ? (ticks[ticks.length - 1]?.value ?? 0) - (ticks[0]?.value ?? 0) : 60) },
            afterBuildTicks: (axis) => {
              axis.ticks = timeTicks(axis.min, axis.max, Math.max(2, Math.min(MOST_TICKS, Math.floor(axis.width / 80)))).map((value) => ({ value }));
            },
          },
          y: { type: "linear", min: 0, grace: "5%", grid: { drawTicks: false }, border: { display: false }, ticks: { maxTicksLimit: 5, padding: 6, callback: (value) => readingText(unit, Number(value)) } },
        },
      },
      plugins: [this.overlay()],
    });
    this.paint();
  }

  show({ curves, span, top, gap }: Shown): void {
    const { x, y } = this.chart.options.scales ?? {};
    Object.assign(x ?? {}, { min: span[0], max: span[1] });
    Object.assign(y ?? {}, { max: top });
    curves.forEach((curve, index) => {
      const joined = curve.count.some((count) => count > 1);
      const [high, low, line] = this.chart.data.datasets.slice(index * 3, index * 3 + 3);
      if (!high || !low || !line) return;
      high.data = joined ? points(curve.x, curve.max) : [];
      low.data = joined ? points(curve.x, curve.min) : [];
      line.data = points(curve.x, curve.mean);
      for (const each of [high, low, line]) each.spanGaps = gap;
    });
    this.chart.update("none");
  }

  /** Colours come from the page's tokens, so they change with the theme. */
  paint(): void {
    const token = tokensOf(this.chart);
    for (let index = 0; index < this.count; index += 1) {
      const colour = token(lineColour(index));
      const [high, low, line] = this.chart.data.datasets.slice(index * 3, index * 3 + 3);
      if (high) high.backgroundColor = `${colour}26`;
      for (const edge of [high, low]) if (edge) edge.borderColor = "transparent";
      if (line) line.borderColor = colour;
    }
    paintAxes(this.chart, token);
    this.chart.update("none");
  }

  draw(): void {
    this.chart.draw();
  }

  /** Between two pixels; null: nothing. */
  select(selection: readonly [number, number] | null): void {
    this.selection = selection;
    this.draw();
  }

  secondAt(pixel: number): number {
    return this.chart.scales.x?.getValueForPixel(pixel) ?? 0;
  }

  destroy(): void {
    this.chart.destroy();
  }

  /** The crosshair, and the stretch being selected. */
  private overlay(): Plugin<"line"> {
    return {
      id: "overlay",
      afterDatasetsDraw: ({ ctx, chartArea, scales: { x } }) => {
        if (!x) return;
        const token = tokensOf(this.chart);
        ctx.save();
        if (this.hovered !== null && this.hovered >= x.min && this.hovered <= x.max) drawUpright(ctx, x.getPixelForValue(this.hovered), chartArea, token("--line-strong"));
        if (this.selection) drawSelection(ctx, this.selection, chartArea, token("--accent"));
        ctx.restore();
      },
    };
  }
}

/** Of each line in drawing order: highest, lowest, and the line itself. */
function layer(index: number) {
  const plain = { pointRadius: 0, data: [] as XY[] };
  if (index % 3 === 0) return { ...plain, borderWidth: 0, fill: "+1" };
  return { ...plain, borderWidth: index % 3 === 1 ? 0 : 1.5, fill: false };
}

function points(xs: readonly number[], ys: readonly number[]): XY[] {
  return xs.map((x, index) => ({ x, y: ys[index] ?? NaN }));
}
