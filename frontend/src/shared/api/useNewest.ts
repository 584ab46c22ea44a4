import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { loadNewest, loadOlder, withOlder, type GrowingList, type Newest } from "./newest";

interface Options<T, R> {
  /** Milliseconds; false: what is new is told by events. */
  refetchInterval?: number | false;
  /** Of the list as it is kept, newest first. Must stay the same function. */
  select: (newest: Newest<T>) => R;
}

/** A list from its end. Asking again brings only what is new; `older` loads what was before, a page at a time. */
export function useNewest<T, R>(queryKey: readonly string[], list: GrowingList<T>, { refetchInterval = false, select }: Options<T, R>) {
  const client = useQueryClient();
  const known = () => client.getQueryData<Newest<T>>(queryKey);
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => loadNewest(list, known, signal),
    select,
    refetchInterval,
    // Items move along as others come, so that comparing them place by place finds nothing equal.
    structuralSharing: false,
  });
  const older = useMutation({
    mutationFn: async () => {
      const cursor = known()?.older ?? null;
      if (cursor === null) return;
      const page = await loadOlder(list, cursor);
      client.setQueryData<Newest<T>>(queryKey, (now) => now && withOlder(now, cursor, page));
    },
  });
  return { query, older };
}
