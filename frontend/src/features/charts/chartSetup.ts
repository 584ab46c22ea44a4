import { Chart, type ChartConfiguration, type Plugin, type Scale } from "chart.js";
import { integer, measure, short } from "@/shared/format/numbers";
import { duration } from "@/shared/format/time";
import { LINE_OPTIONS, paintAxes, tokensOf, type LineChart, type XY } from "@/shared/lineChart";
import type { ViewAxis } from "./curve";
import type { Line } from "./lines";

/** Datasets of each line, the topmost first. */
export const LAYERS = ["value", "raw", "high", "low"] as const;

export function axisText(axis: ViewAxis, value: number): string {
  if (axis === "time") return duration(value);
  if (axis === "flops") return value === 0 ? "0" : value.toExponential(1).replace("e+", "e");
  return value < 1e6 ? integer(value) : short(value);
}

/** One chart for one metric, created once and changed in place. */
export function createChart(canvas: HTMLCanvasElement, plugins: Plugin<"line">[]): LineChart {
  const config: ChartConfiguration<"line", XY[]> = {
    type: "line",
    data: { datasets: [] },
    options: {
      ...LINE_OPTIONS,
      events: [],
      scales: {
        x: { type: "linear", bounds: "data", grid: { drawTicks: false }, ticks: { maxTicksLimit: 6, maxRotation: 0, padding: 6, includeBounds: false } },
        y: { type: "linear", bounds: "data", afterDataLimits: makeRoom, afterBuildTicks: roundTicks, grid: { drawTicks: false }, border: { display: false }, ticks: { maxTicksLimit: 5, padding: 6 } },
      },
    },
    plugins,
  };
  return new Chart(canvas, config);
}

type Dataset = LineChart["data"]["datasets"][number];

/** Min-max band, raw line and smoothed line of as many lines as there are. Colours come from the page's tokens, so they change with the theme. */
export function paint(chart: LineChart, lines: readonly Line[]): void {
  const token = tokensOf(chart);
  const { datasets } = chart.data;
  datasets.length = Math.min(datasets.length, lines.length * LAYERS.length);
  while (datasets.length < lines.length * LAYERS.length) datasets.push({ borderWidth: 0, pointRadius: 0, data: [] });
  lines.forEach((line, index) => {
    const colour = line.colour.startsWith("var(") ? token(line.colour.slice(4, -1)) : line.colour;
    LAYERS.forEach((layer, place) => Object.assign(datasets[index * LAYERS.length + place] ?? {}, dressed(line, layer, colour)));
  });
  paintAxes(chart, token);
}

/** What of a line's colour is left, in hexadecimal. */
const STRENGTH = { plain: "", faded: "33", earlier: "8c" } as const;

/** Lower orders are drawn over higher ones: all lines over all bands, and what is pointed at over what is not. */
function dressed({ label, dash, look }: Line, layer: (typeof LAYERS)[number], colour: string): Partial<Dataset> {
  const behind = look === "plain" ? 0 : 1;
  const named = { label: `${label} ${layer}` };
  if (layer === "value") return { ...named, borderColor: colour + STRENGTH[look], borderWidth: 1.5, borderDash: [...dash], order: behind };
  if (layer === "raw") return { ...named, borderColor: look === "plain" ? `${colour}40` : "transparent", borderWidth: 1, order: 2 };
  return { ...named, borderColor: "transparent", backgroundColor: `${colour}26`, fill: layer === "high" ? "+1" : false, order: 3 };
}

/** Of the data's height, left free above and below it. */
const ROOM = 0.02;
const MOST_STEPS = 4;

/** Chart.js's own `grace` would let an axis of what is never negative begin below 0, as its widening of what is always 0 does. */
function makeRoom(scale: Scale): void {
  if (scale.type !== "linear" || !Number.isFinite(scale.max - scale.min)) return;
  const room = ROOM * (scale.max - scale.min);
  const { min, max } = scale.options as { min?: number; max?: number };
  const negative = scale.getMinMax(false).min < 0;
  if (min === undefined) scale.min = negative ? scale.min - room : Math.max(0, scale.min - room);
  if (max === undefined) scale.max += room;
}

/** Where an axis ends with its data, Chart.js begins its ticks there, and the next may be as near as it likes; so they are made anew. */
function roundTicks(scale: Scale): void {
  const height = scale.max - scale.min;
  if (scale.type !== "linear" || !(height > 0 && height < Infinity)) return;
  const step = roundUp(height / MOST_STEPS);
  const ticks = multiples(step, scale.min, scale.max);
  scale.ticks = (ticks.length > 1 ? ticks : multiples(step / 2, scale.min, scale.max)).map((value) => ({ value }));
}

/** The least of 1, 2, 5, 10, 20 and so on that is at least `step`. */
function roundUp(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5].find((digit) => digit * power >= step) ?? 10);
}

function multiples(step: number, from: number, to: number): number[] {
  const [first, last] = [Math.ceil(from / step), Math.floor(to / step)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

export interface ScaleWishes {
  axis: ViewAxis;
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
