const COLOURS = 10;
/** Dashes for each further ten runs of a comparison, in pixels: line, gap. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

/** How a run is drawn beside others. */
export interface RunLook {
  colour: string;
  /** Empty: a whole line. */
  dash: readonly number[];
}

/** A run keeps its colour everywhere. */
export function runColour(id: string): string {
  return token(own(id));
}

/**
 * Looks that tell runs apart: each has its own colour or, where an earlier one has that, the next free one; after ten they begin again,
 * dashed. Runs that are added at the end change nothing for those before them.
 */
export function runLooks(ids: readonly string[]): Map<string, RunLook> {
  const looks = new Map<string, RunLook>();
  const taken = new Array<number>(COLOURS).fill(0);
  for (const id of ids) {
    if (looks.has(id)) continue;
    const round = Math.floor(looks.size / COLOURS);
    let place = own(id);
    while ((taken[place] ?? 0) > round) place = (place + 1) % COLOURS;
    taken[place] = round + 1;
    looks.set(id, { colour: token(place), dash: DASHES[round % DASHES.length] ?? [] });
  }
  return looks;
}

function own(id: string): number {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return hash % COLOURS;
}

function token(place: number): string {
  return `var(--run-${String(place + 1)})`;
}
