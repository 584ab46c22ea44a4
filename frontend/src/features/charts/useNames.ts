import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { MetricStore } from "./MetricStore";

/** The names of all metrics that any of the stores has, sorted; a new array only when there are others. */
export function useNames(stores: readonly MetricStore[]): readonly string[] {
  const subscribe = useCallback(
    (listener: () => void) => {
      const leave = stores.map(({ names }) => names.subscribe(listener));
      return () => leave.forEach((each) => each());
    },
    [stores],
  );
  const text = useSyncExternalStore(subscribe, () => [...new Set(stores.flatMap(({ names }) => names.get()))].sort().join("\n"));
  return useMemo(() => text.split("\n").filter(Boolean), [text]);
}
