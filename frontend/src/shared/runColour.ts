const COLOURS = 10;

/** A run keeps its colour everywhere. */
export function runColour(id: string): string {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return `var(--run-${String((hash % COLOURS) + 1)})`;
}
