import type { Row, Section } from "./rows";

/** A run in the plane of a setting and a result. */
export interface Place {
  /** Which of the runs it is. */
  index: number;
  x: number;
  y: number;
}

/** Fields of the set-up and the spec that are quantities and not the same for all: what a result may depend on. */
export function causes(sections: readonly Section[]): Row[] {
  return sections.slice(1).flatMap(({ rows }) => rows.filter(isVaried));
}

/** Results that are quantities. */
export function effects(sections: readonly Section[]): Row[] {
  return (sections[0]?.rows ?? []).filter(({ cells }) => cells.some(({ amount }) => amount !== null));
}

/** Runs that have both. */
export function placesOf(cause: Row, effect: Row): Place[] {
  return cause.cells.flatMap(({ amount: x }, index) => {
    const y = effect.cells[index]?.amount ?? null;
    return x === null || y === null ? [] : [{ index, x, y }];
  });
}

const WIDE = 20;

/** Values over several sizes are told apart by their ratios. */
export function isWide(values: readonly number[]): boolean {
  return values.length > 0 && Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= WIDE;
}

/** From a value to 0 to 1, with some room at both ends. */
export function scaleOf(values: readonly number[]): (value: number) => number {
  const sized = isWide(values) ? Math.log : Number;
  const [low, high] = [Math.min(...values.map(sized)), Math.max(...values.map(sized))];
  return (value) => (high === low ? 0.5 : 0.06 + (0.88 * (sized(value) - low)) / (high - low));
}

function isVaried({ cells }: Row): boolean {
  return new Set(cells.flatMap(({ amount }) => amount ?? [])).size > 1;
}
