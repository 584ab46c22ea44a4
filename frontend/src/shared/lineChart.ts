import { Chart, Filler, LinearScale, LineController, LineElement, LogarithmicScale, PointElement } from "chart.js";

Chart.register(Filler, LinearScale, LineController, LineElement, LogarithmicScale, PointElement);

export interface XY {
  x: number;
  y: number;
}
export type LineChart = Chart<"line", XY[]>;

/** Of every chart: created once and changed in place, its points in order as they are. What the pointer does is ours: give it no `events`. */
export const LINE_OPTIONS = {
  animation: false,
  parsing: false,
  normalized: true,
  responsive: true,
  maintainAspectRatio: false,
  layout: { padding: { top: 4, right: 8 } },
} as const;

/** Reads the page's colours and sizes, which change with the theme. */
export function tokensOf(chart: LineChart): (name: string) => string {
  const style = getComputedStyle(chart.canvas);
  return (name) => style.getPropertyValue(name).trim();
}

export function paintAxes(chart: LineChart, token: (name: string) => string): void {
  for (const scale of Object.values(chart.options.scales ?? {})) {
    if (!scale) continue;
    // One by one: these are Chart.js's own objects, which must not be copied.
    if (scale.grid) scale.grid.color = token("--grid");
    if (scale.ticks) Object.assign(scale.ticks, { color: token("--text-2"), font: { size: 11, family: token("--font") } });
  }
}

export interface Area {
  top: number;
  bottom: number;
}

/** From top to bottom: the crosshair, or something that happened there. */
export function drawUpright(ctx: CanvasRenderingContext2D, x: number, { top, bottom }: Area, colour: string, dash: number[] = []): void {
  ctx.beginPath();
  ctx.setLineDash(dash);
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.moveTo(x, top);
  ctx.lineTo(x, bottom);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The stretch between two pixels that is being selected, whichever way. */
export function drawSelection(ctx: CanvasRenderingContext2D, [from, to]: readonly [number, number], { top, bottom }: Area, accent: string): void {
  ctx.fillStyle = `${accent}33`;
  ctx.fillRect(Math.min(from, to), top, Math.abs(to - from), bottom - top);
}
