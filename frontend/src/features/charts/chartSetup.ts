import { Chart, Filler, LinearScale, LineController, LineElement, LogarithmicScale, PointElement, type ChartConfiguration, type Plugin } from "chart.js";
import { integer, measure, short } from "@/shared/format/numbers";
import { duration } from "@/shared/format/time";
import type { Axis } from "./curve";

Chart.register(Filler, LinearScale, LineController, LineElement, LogarithmicScale, PointElement);

export interface XY {
  x: number;
  y: number;
}
export type LineChart = Chart<"line", XY[]>;

/** Datasets in drawing order. */
export const LAYERS = { high: 0, low: 1, raw: 2, line: 3 } as const;

export function axisText(axis: Axis, value: number): string {
  if (axis === "time") return duration(value);
  return value < 1e6 ? integer(value) : short(value);
}

/** One chart for one metric: min-max band, raw line and smoothed line, created once and changed in place. */
export function createChart(canvas: HTMLCanvasElement, plugins: Plugin<"line">[]): LineChart {
  const plain = { borderWidth: 0, pointRadius: 0, data: [] as XY[] };
  const config: ChartConfiguration<"line", XY[]> = {
    type: "line",
    data: {
      datasets: [
        { ...plain, label: "highest", fill: "+1" },
        { ...plain, label: "lowest" },
        { ...plain, label: "raw", borderWidth: 1 },
        { ...plain, label: "value", borderWidth: 1.5 },
      ],
    },
    options: {
      animation: false,
      parsing: false,
      normalized: true,
      responsive: true,
      maintainAspectRatio: false,
      events: [],
      layout: { padding: { top: 4, right: 8 } },
      scales: {
        x: { type: "linear", bounds: "data", grid: { drawTicks: false }, ticks: { maxTicksLimit: 6, maxRotation: 0, padding: 6, includeBounds: false } },
        y: { type: "linear", grace: "4%", grid: { drawTicks: false }, border: { display: false }, ticks: { maxTicksLimit: 5, padding: 6 } },
      },
    },
    plugins,
  };
  return new Chart(canvas, config);
}

/** Colours come from the page's tokens, so they change with the theme. */
export function paint(chart: LineChart, colour: string): void {
  const style = getComputedStyle(chart.canvas);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const line = colour.startsWith("var(") ? token(colour.slice(4, -1)) : colour;
  const [high, low, raw, value] = chart.data.datasets;
  if (!high || !low || !raw || !value) return;
  high.backgroundColor = `${line}26`;
  high.borderColor = low.borderColor = "transparent";
  raw.borderColor = `${line}40`;
  value.borderColor = line;
  for (const scale of Object.values(chart.options.scales ?? {})) {
    if (!scale) continue;
    // One by one: these are Chart.js's own objects, which must not be copied.
    if (scale.grid) scale.grid.color = token("--grid");
    if (scale.ticks) Object.assign(scale.ticks, { color: token("--text-2"), font: { size: 11, family: token("--font") } });
  }
}

export interface ScaleWishes {
  axis: Axis;
  log: boolean;
  from: number | undefined;
  to: number | undefined;
}

export function setScales(chart: LineChart, { axis, log, from, to }: ScaleWishes): void {
  const { x, y } = chart.options.scales ?? {};
  if (!x || !y) return;
  const change = (scale: typeof x, wishes: object) => Object.assign(scale, wishes);
  change(x, { min: from ?? 0, max: to });
  Object.assign(x.ticks ?? {}, { callback: (value: number | string) => axisText(axis, Number(value)) });
  change(y, { type: log ? "logarithmic" : "linear" });
  Object.assign(y.ticks ?? {}, { callback: (value: number | string) => tickText(Number(value)) });
}

function tickText(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 10_000) return short(value);
  return size < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(4)));
}

export function valueText(name: string, value: number): string {
  return name.endsWith("tokens_per_second") || name.endsWith("bytes") ? short(value) : measure(value);
}
