import { integer } from "@/shared/format/numbers";
import { axisText, valueText } from "./chartSetup";
import { nearestIndex, type Axis, type Buckets } from "./curve";
import type { Mark } from "./marks";

/** What the caption says, and the chart in words. */
export function describe(name: string, axis: Axis, curve: Buckets, hovered: number | null, marks: readonly Mark[]): [string, string] {
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
