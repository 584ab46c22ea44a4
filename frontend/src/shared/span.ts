/** What of a horizontal axis is in sight, in its own units. */
export type Span = readonly [low: number, high: number];

/** `factor` times as wide, with what is at `share` staying there. */
export function zoomed([low, high]: Span, share: number, factor: number): Span {
  const fixed = low + share * (high - low);
  return [fixed - (fixed - low) * factor, fixed + (high - fixed) * factor];
}
