import type { Span } from "@/shared/span";
import type { ViewAxis } from "./curve";

/** Places in a span: 0 at its low end, 1 at its high end. */
type Shares = readonly [left: number, right: number];
/** Whether more of the same is to be expected at once, as from a wheel. */
export type Pace = "gliding" | "at once";

const NARROWEST: Record<ViewAxis, number> = { step: 4, tokens: 4, time: 0.01, flops: 1 };
const CLOSEST_FINGERS = 0.02;

/** Moved by a share of its width, not to before the beginning. */
export function moved([low, high]: Span, share: number): Span {
  const by = Math.max(share * (high - low), -low);
  return [low + by, high + by];
}

/** What was under two fingers stays under them. */
export function pinched([low, high]: Span, before: Shares, now: Shares): Span {
  const [left, right] = [low + before[0] * (high - low), low + before[1] * (high - low)];
  const width = (right - left) / Math.max(now[1] - now[0], CLOSEST_FINGERS);
  return [left - now[0] * width, left + (1 - now[0]) * width];
}

/** Not before the beginning, and not so narrow that nothing is in it. */
export function sensible([low, high]: Span, axis: ViewAxis): Span {
  const from = Math.max(0, low);
  return [from, Math.max(high, from + NARROWEST[axis])];
}
