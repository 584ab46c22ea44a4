/**
 * Exponential moving average in place of `target`, corrected for its start; gaps stay gaps. `strength` 0 (none) to below 1.
 */
export function smooth(values: readonly number[], strength: number, target: number[]): void {
  let average = 0;
  let weight = 0;
  target.length = values.length;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? NaN;
    if (Number.isNaN(value)) {
      target[index] = NaN;
      continue;
    }
    average = strength * average + (1 - strength) * value;
    weight = strength * weight + (1 - strength);
    target[index] = average / weight;
  }
}
