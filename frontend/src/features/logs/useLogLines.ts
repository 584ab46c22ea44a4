import { useQuery, useQueryClient } from "@tanstack/react-query";
import { allItems, hasEnded, keys } from "@/shared/api/queries";
import { path } from "@/shared/api/client";
import type { LogLine, Run } from "@/shared/api/types";

const MOST = 20_000;
const QUIET_EVERY_MS = 10_000;

/** All lines of a run; asking again brings only what is new. */
export function useLogLines(run: Run) {
  const client = useQueryClient();
  const queryKey = [...keys.run(run.id), "logs"];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const known = client.getQueryData<LogLine[]>(queryKey) ?? [];
      const from_line = (known.at(-1)?.line ?? -1) + 1;
      const fresh = await allItems<LogLine>(path`/api/v1/runs/${run.id}/logs`, { from_line }, MOST, signal);
      return fresh.length > 0 ? [...known, ...fresh] : known;
    },
    refetchInterval: hasEnded(run) ? false : QUIET_EVERY_MS,
  });
}
