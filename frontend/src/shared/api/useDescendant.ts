import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { call } from "./client";
import { keys } from "./queries";
import type { Run } from "./types";

/** Makes a run out of another one by a POST to `address`, and leads to it. */
export function useDescendant(address: string, body: () => object) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => call<Run>("POST", address, { body: body() }),
    onSuccess: async (run) => {
      await client.invalidateQueries({ queryKey: keys.runs });
      return navigate({ to: "/runs/$runId/$tab", params: { runId: run.id, tab: "charts" } });
    },
  });
}
