import { useEffect, useState } from "react";
import { EMPTY, fromYaml, keepWork, keptWork, toYaml, withValue, type Draft, type Work } from "./draft";

function begin(initial: Draft | null): Work {
  return initial ? { draft: initial, yaml: null } : (keptWork() ?? { draft: EMPTY, yaml: null });
}

function problemIn(yaml: string | null): string | null {
  if (yaml === null) return null;
  try {
    fromYaml(yaml);
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** The draft and its YAML, in step, and kept over a reload. */
export function useWork(initial: Draft | null) {
  const [work, setWork] = useState(() => begin(initial));
  const [kept, setKept] = useState(true);
  useEffect(() => {
    if (kept) keepWork(work);
  }, [work, kept]);
  return {
    draft: work.draft,
    yaml: work.yaml ?? toYaml(work.draft),
    yamlError: problemIn(work.yaml),
    setField: (path: string, value: unknown) => setWork(({ draft }) => ({ draft: withValue(draft, path, value), yaml: null })),
    setYaml: (yaml: string) => setWork(({ draft }) => ({ draft: problemIn(yaml) === null ? fromYaml(yaml) : draft, yaml })),
    restart: () => setWork({ draft: EMPTY, yaml: null }),
    forget: () => {
      setKept(false);
      keepWork(null);
    },
  };
}
