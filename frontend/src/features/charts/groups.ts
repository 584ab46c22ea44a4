const ORDER = ["train", "val", "perf", "system"];

/** Metric names by their prefix, those people look at first at the front. */
export function grouped(names: readonly string[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const prefix = name.split("/")[0] ?? name;
    groups.set(prefix, [...(groups.get(prefix) ?? []), name]);
  }
  const place = (prefix: string) => (ORDER.includes(prefix) ? ORDER.indexOf(prefix) : ORDER.length);
  const first = (name: string) => (name.endsWith("/loss") ? 0 : 1);
  for (const members of groups.values()) members.sort((a, b) => first(a) - first(b) || a.localeCompare(b));
  return [...groups].sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b));
}

/** Of these metrics more is better; of a loss, a time or a norm less is. */
export function isBetterHigh(name: string): boolean {
  return /tokens_per_second|mfu|accuracy|utilization/.test(name);
}

/** Names that hold any of the words; all of them without words. */
export function matching(names: readonly string[], text: string): string[] {
  const words = text.toLowerCase().split(/[\s,]+/).filter(Boolean);
  return names.filter((name) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word)));
}
