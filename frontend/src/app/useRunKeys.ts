import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { runsQuery } from "@/shared/api/queries";
import { useKeys } from "@/shared/keys";

const AMONG = 200;

/** `[` and `]` lead to the runs beside this one in the list of runs, to the same tab. */
export function useRunKeys(runId: string): void {
  const client = useQueryClient();
  const { tab } = useParams({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate();
  const go = async (by: number) => {
    const { items } = await client.query({ ...runsQuery({ limit: AMONG }), staleTime: 5000 });
    const place = items.findIndex(({ id }) => id === runId);
    const next = place < 0 ? undefined : items[place + by];
    if (next) await navigate({ to: "/runs/$runId/$tab", params: { runId: next.id, tab } });
  };
  const quietly = (by: number) => void go(by).catch((thrown: unknown) => console.warn("the list of runs could not be had:", thrown));
  useKeys({ "[": ["the next newer run", () => quietly(-1)], "]": ["the next older run", () => quietly(1)] });
}
