import { nearestIndex } from "@/shared/curve";
import { integer } from "@/shared/format/numbers";
import type { Drawn } from "./ChartView";
import { axisText, valueText } from "./chartSetup";
import { bucketAt, type Buckets, type ViewAxis } from "./curve";
import type { Mark } from "./marks";

/** What is in sight of a line. */
type Seen = Pick<Drawn, "line" | "curve">;

/** What the caption says, and the chart in words. */
export function describe(name: string, axis: ViewAxis, drawn: readonly Seen[], hovered: number | null, marks: readonly Mark[]): [string, string] {
  const own = drawn.filter(({ line }) => line.look !== "earlier");
  const [only] = own;
  return own.length === 1 && only ? describeOne(name, axis, only.curve, hovered, marks) : describeMany(name, axis, own, hovered);
}

function describeOne(name: string, axis: ViewAxis, curve: Buckets, hovered: number | null, marks: readonly Mark[]): [string, string] {
  const last = curve.x.length - 1;
  if (last < 0) return ["no points in sight", `${name}: no points in sight`];
  const index = hovered === null ? last : nearestIndex(curve.x, hovered);
  const x = curve.x[index] ?? 0;
  const at = placeText(axis, x);
  const value = valueText(name, (hovered === null ? curve.last : curve.mean)[index] ?? NaN);
  const near = hovered === null ? undefined : marks.find((mark) => Math.abs(mark.x - hovered) <= Math.max(axis === "time" ? 0 : 1, (curve.x[last] ?? 1) / 200));
  const points = pointsOf(curve);
  // The newest point is in a bucket with others, of which only the first is placed.
  if (hovered === null && (curve.count[last] ?? 1) > 1) return [`${value} · ${integer(points)} points`, `${name}: ${value}, ${integer(points)} points`];
  return [`${value} · ${at}${near ? ` · ${near.text}` : ""}`, `${name}: ${value} at ${at}, ${integer(points)} points`];
}

function describeMany(name: string, axis: ViewAxis, drawn: readonly Seen[], hovered: number | null): [string, string] {
  const runs = `${integer(drawn.length)} runs`;
  const points = drawn.reduce((sum, { curve }) => sum + pointsOf(curve), 0);
  const ends = drawn.map(({ line, curve }) => `${line.label} ${valueText(name, curve.last.at(-1) ?? NaN)}`).join(", ");
  const caption = hovered === null ? runs : placeText(axis, hovered);
  return [caption, `${name}: ${runs}, ${integer(points)} points${drawn.length > 0 ? `; at their ends ${ends}` : ""}`];
}

export function placeText(axis: ViewAxis, x: number): string {
  if (axis === "step") return `step ${integer(x)}`;
  const unit = axis === "tokens" ? " tokens" : axis === "flops" ? " FLOPs" : "";
  return axisText(axis, x) + unit;
}

function pointsOf({ count }: Buckets): number {
  return count.reduce((sum, points) => sum + points, 0);
}

export interface Reading {
  id: string;
  label: string;
  colour: string;
  dash: readonly number[];
  /** As it is drawn, maybe smoothed. */
  value: number;
  /** Of the bucket there. */
  least: number;
  most: number;
}

/** What each run has at `x`, largest first; those without a point there are left out, what is no number comes last. */
export function readingsAt(drawn: readonly Drawn[], x: number): Reading[] {
  const readings = drawn.flatMap(({ line: { id, label, colour, dash }, curve, shown }) => {
    const index = bucketAt(curve, x);
    if (index === null) return [];
    return [{ id, label, colour, dash, value: shown[index] ?? NaN, least: curve.min[index] ?? NaN, most: curve.max[index] ?? NaN }];
  });
  const rank = ({ value }: Reading) => (Number.isNaN(value) ? -Infinity : value);
  return readings.sort((a, b) => rank(b) - rank(a) || a.label.localeCompare(b.label));
}

/** What is to be added to both where a log scale is drawn and there are values, but none that it has a place for; else nothing. */
export function unplaced(log: boolean, drawn: readonly Pick<Drawn, "curve">[]): string {
  const some = (fits: (value: number) => boolean) => drawn.some(({ curve }) => curve.mean.some(fits));
  return log && some((value) => value <= 0) && !some((value) => value > 0) ? "; nothing above 0, which a log scale needs" : "";
}
