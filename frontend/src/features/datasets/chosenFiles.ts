import type { SourceFile } from "./parts";

export function sourceOf(file: File): SourceFile {
  return {
    path: file.webkitRelativePath || file.name,
    size: file.size,
    read: async (from, to) => new Uint8Array(await file.slice(from, to).arrayBuffer()),
  };
}

export interface Chosen {
  files: SourceFile[];
  /** Empty ones and what comes twice, left out. */
  left: string[];
}

/** Adds files to those chosen before, in the order of their paths. */
export function choose(before: readonly SourceFile[], added: readonly File[]): Chosen {
  const byPath = new Map(before.map((file) => [file.path, file]));
  const left: string[] = [];
  for (const file of added) {
    const source = sourceOf(file);
    if (source.size === 0) left.push(`${source.path} is empty`);
    else byPath.set(source.path, source);
  }
  return { files: [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), left };
}

/** A name that the server takes, from a file's. */
export function nameFrom(path: string): string {
  const [first = path] = path.split("/");
  const plain = first.toLowerCase().replace(/\.[a-z0-9]+$/, "").replace(/[^a-z0-9._-]+/g, "-");
  return plain.replace(/^[^a-z0-9]+/, "").slice(0, 63);
}
