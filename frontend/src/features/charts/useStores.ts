import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Store } from "@/shared/store";
import type { MetricStore } from "./MetricStore";

/** What all of the runs' stores have together. `of` must stay the same function. */
export function useStores(runs: readonly string[], of: (id: string) => MetricStore): { names: readonly string[]; loaded: boolean } {
  const ids = runs.join();
  const stores = useMemo(() => ids.split(",").filter(Boolean).map(of), [ids, of]);
  return { names: useNames(stores), loaded: useLoaded(stores) };
}

/** The names of all metrics that any of the stores has, sorted; a new array only when there are others. */
function useNames(stores: readonly MetricStore[]): readonly string[] {
  const subscribe = useAll(stores, namesOf);
  const text = useSyncExternalStore(subscribe, () => [...new Set(stores.flatMap(({ names }) => names.get()))].sort().join("\n"));
  return useMemo(() => text.split("\n").filter(Boolean), [text]);
}

/** Whether all of the stores have their history. */
function useLoaded(stores: readonly MetricStore[]): boolean {
  return useSyncExternalStore(useAll(stores, loadedOf), () => stores.every(({ loaded }) => loaded.get()));
}

const namesOf = ({ names }: MetricStore) => names;
const loadedOf = ({ loaded }: MetricStore) => loaded;

/** Follows something of each. `valueOf` must stay the same function. */
function useAll<T>(stores: readonly MetricStore[], valueOf: (store: MetricStore) => Store<T>) {
  return useCallback(
    (listener: () => void) => {
      const leave = stores.map((store) => valueOf(store).subscribe(listener));
      return () => leave.forEach((each) => each());
    },
    [stores, valueOf],
  );
}
