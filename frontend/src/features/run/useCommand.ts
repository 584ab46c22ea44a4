import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { call, path } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { Command, CommandBody, Page, Run } from "@/shared/api/types";
import { integer, plural } from "@/shared/format/numbers";

/** Newest first; events of the run make it stale. */
export function commandsQuery(runId: string) {
  return queryOptions({
    queryKey: [...keys.run(runId), "commands"],
    queryFn: ({ signal }) => call<Page<Command>>("GET", path`/api/v1/runs/${runId}/commands`, { query: { limit: 100 }, signal }),
    refetchInterval: ({ state }) => (state.data?.items.some(isOpen) ? 1000 : false),
  });
}

export function isOpen({ state }: Command): boolean {
  return state === "requested" || state === "accepted";
}

/** Ask the run for something. The answer has the command's id, by which its life is followed. */
export function useCommand(run: Run, onDone: () => void = () => undefined) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: CommandBody) => call<{ command_id: string }>("POST", path`/api/v1/runs/${run.id}/commands`, { body }),
    onSuccess: () => {
      onDone();
      void client.invalidateQueries({ queryKey: keys.runs });
      void client.invalidateQueries({ queryKey: keys.checkpoints });
      return client.invalidateQueries({ queryKey: keys.run(run.id) });
    },
  });
}

/** How far a command is, in words. */
export function lifeOf({ state, step, ranks, reason, undone }: Command): string {
  if (state === "rejected") return `rejected: ${reason}`;
  if (state === "requested") return "requested; no worker has it yet";
  if (state === "accepted") return "accepted; applied between two steps";
  const where = step === null ? "" : ` at step ${integer(step)}`;
  const who = ranks ? ` on ${plural(ranks, "rank")}` : "";
  return `applied${where}${who}${undone ? ", undone by a rollback" : ""}`;
}

/** `optimizer.lr 0.001, steps 100` */
export function argumentsText(values: Record<string, unknown>, prefix = ""): string {
  return Object.entries(values)
    .map(([name, value]) =>
      value !== null && typeof value === "object" && !Array.isArray(value)
        ? argumentsText(value as Record<string, unknown>, `${prefix}${name}.`)
        : `${prefix}${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
    )
    .join(", ");
}
