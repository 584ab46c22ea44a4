import type { Plugin } from "chart.js";
import { drawSelection, drawUpright, tokensOf, type Area, type LineChart } from "@/shared/lineChart";
import type { Drawn } from "./ChartView";
import { LAYERS } from "./chartSetup";
import { bucketAt, type Buckets } from "./curve";
import type { Kind, Mark } from "./marks";

/** What is drawn over a chart beside its lines. */
export interface Overlay {
  drawn: readonly Drawn[];
  marks: readonly Mark[];
  hovered: number | null;
  /** The stretch being selected, in pixels. */
  selection: readonly [number, number] | null;
}

/** So few points are drawn as dots too: one alone makes no line. */
const FEW = 40;

export const GLYPHS: Record<Kind, string> = { checkpoint: "◆", "bad-checkpoint": "✕", restart: "↻", preempted: "⇄", change: "Δ", rollback: "↶", held: "‖", hang: "!", origin: "⑂", spike: "▲" };
const COLOURS: Record<Kind, string> = {
  checkpoint: "--text-2",
  "bad-checkpoint": "--bad",
  restart: "--warn",
  preempted: "--warn",
  change: "--accent",
  rollback: "--warn",
  held: "--text-2",
  hang: "--bad",
  origin: "--info",
  spike: "--bad",
};

/** With a line of their own: what comes behind is another training. */
const UPRIGHT = new Set<Kind>(["restart", "preempted", "change", "rollback", "origin"]);

/** Marks, places without a finite value, the crosshair and the selection. */
export function overlayPlugin(overlay: Overlay): Plugin<"line"> {
  return {
    id: "overlay",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea, scales } = chart;
      const x = scales.x;
      if (!x) return;
      const colour = tokensOf(chart as LineChart);
      const inside = (value: number) => value >= x.min && value <= x.max;
      ctx.save();
      ctx.textAlign = "center";
      drawMarks(ctx, overlay.marks.filter((mark) => inside(mark.x)), (value) => x.getPixelForValue(value), chartArea, colour);
      const y = scales.y;
      overlay.drawn.forEach(({ curve }, index) => {
        if (curve.x.length <= FEW) drawDots(chart as LineChart, index);
        drawGaps(ctx, curve, (value) => (inside(value) ? x.getPixelForValue(value) : null), chartArea.top + 10, colour("--bad"));
      });
      if (overlay.hovered !== null && inside(overlay.hovered)) {
        drawUpright(ctx, x.getPixelForValue(overlay.hovered), chartArea, colour("--line-strong"));
        for (const [index, { curve, shown, line: { look } }] of overlay.drawn.entries()) {
          const bucket = look === "plain" ? bucketAt(curve, overlay.hovered) : null;
          if (bucket === null) continue;
          const fillStyle = overlay.drawn.length === 1 ? colour("--text") : colourOf(chart as LineChart, index);
          dot(ctx, x.getPixelForValue(curve.x[bucket] ?? NaN), y?.getPixelForValue(shown[bucket] ?? NaN) ?? NaN, 3, fillStyle);
        }
      }
      if (overlay.selection) drawSelection(ctx, overlay.selection, chartArea, colour("--accent"));
      ctx.restore();
    },
  };
}

function dot(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string): void {
  if (Number.isNaN(x) || Number.isNaN(y)) return;
  ctx.beginPath();
  ctx.fillStyle = colour;
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fill();
}

/** On the line that is shown, which may be smoothed. */
function drawDots(chart: LineChart, index: number): void {
  const { ctx, data, scales: { x, y } } = chart;
  for (const point of data.datasets[index * LAYERS.length]?.data ?? []) {
    if (x && y && point.x >= x.min && point.x <= x.max) {
      dot(ctx, x.getPixelForValue(point.x), y.getPixelForValue(point.y), 2, colourOf(chart, index));
    }
  }
}

function colourOf({ data }: LineChart, index: number): string {
  return data.datasets[index * LAYERS.length]?.borderColor as string;
}

function drawMarks(ctx: CanvasRenderingContext2D, marks: readonly Mark[], pixel: (x: number) => number, area: Area, colour: (name: string) => string): void {
  ctx.font = "9px sans-serif";
  for (const mark of marks) {
    const at = pixel(mark.x);
    if (UPRIGHT.has(mark.kind)) drawUpright(ctx, at, area, colour(COLOURS[mark.kind]), [3, 3]);
    ctx.fillStyle = colour(COLOURS[mark.kind]);
    ctx.fillText(GLYPHS[mark.kind], at, UPRIGHT.has(mark.kind) ? area.top + 8 : area.bottom - 3);
  }
}

function drawGaps(ctx: CanvasRenderingContext2D, { x, nan }: Buckets, pixel: (x: number) => number | null, y: number, colour: string): void {
  ctx.fillStyle = colour;
  ctx.font = "bold 9px sans-serif";
  for (let index = 0; index < nan.length; index += 1) {
    const at = nan[index] ? pixel(x[index] ?? NaN) : null;
    if (at !== null) ctx.fillText("✕", at, y);
  }
}
