import { zoomed, type Span } from "@/shared/span";

/** Seconds; in less there is too little to see. */
const NARROWEST = 5;
const ZOOM_STEP = 1.25;

/** Whole seconds around what was picked. */
export function picked(from: number, to: number): Span {
  const first = Math.floor(from);
  return [first, Math.max(Math.ceil(to), first + NARROWEST)];
}

/** A step in or out, about the crosshair where it is in sight, else about the middle. */
export function stepped(span: Span, way: "in" | "out", crosshair: number | null): Span {
  const width = span[1] - span[0];
  if (way === "in" && width <= NARROWEST) return span;
  const share = crosshair !== null && crosshair >= span[0] && crosshair <= span[1] ? (crosshair - span[0]) / width : 0.5;
  const [low, high] = zoomed(span, share, way === "in" ? 1 / ZOOM_STEP : ZOOM_STEP);
  return [Math.round(low), Math.max(Math.round(high), Math.round(low) + NARROWEST)];
}

/** No more than there is; null where that is all of it. */
export function within([from, to]: Span, whole: Span): Span | null {
  if (from <= whole[0] && to >= whole[1]) return null;
  const [first, last] = [Math.max(from, Math.floor(whole[0])), Math.min(to, Math.ceil(whole[1]))];
  return first < last ? [first, last] : [from, to];
}
