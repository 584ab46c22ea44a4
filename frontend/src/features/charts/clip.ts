/** Shares of the values between which the bulk lies. */
const [LOW, HIGH] = [0.05, 0.95];
/** So much of the bulk's height is left above and below it. */
const ROOM = 0.5;

/** What an axis should show of values so that a few far ones do not press the rest flat; null where nothing is far. NaN is left out. */
export function clipRange(values: readonly number[], log: boolean): [low: number, high: number] | null {
  const [scale, back] = log ? [Math.log, Math.exp] : [Number, Number];
  const sorted = Float64Array.from(values.filter((value) => Number.isFinite(value) && (!log || value > 0)), scale).sort();
  const last = sorted.length - 1;
  if (last < 1) return null;
  const at = (share: number) => sorted[Math.round(share * last)] ?? NaN;
  const room = ROOM * (at(HIGH) - at(LOW));
  if (room === 0) return null;
  const [least, most] = [sorted[0] ?? NaN, sorted[last] ?? NaN];
  const [low, high] = [Math.max(least, at(LOW) - room), Math.min(most, at(HIGH) + room)];
  return low === least && high === most ? null : [back(low), back(high)];
}
