import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call, path } from "@/shared/api/client";
import { commandsQuery, keys, meQuery } from "@/shared/api/queries";
import type { Command, CommandBody, Run } from "@/shared/api/types";
import { integer, plural } from "@/shared/format/numbers";

/** Ask the run for something. It stands in the list at once; the answer has the command's id, by which its life is followed. */
export function useCommand(run: Run, onDone: () => void = () => undefined) {
  const client = useQueryClient();
  const { queryKey } = commandsQuery(run.id);
  return useMutation({
    mutationFn: (body: CommandBody) => call<{ command_id: string }>("POST", path`/api/v1/runs/${run.id}/commands`, { body }),
    onMutate: async (body) => {
      await client.cancelQueries({ queryKey });
      const by = client.getQueryData(meQuery.queryKey)?.name ?? "you";
      client.setQueryData(queryKey, (known) => known && { ...known, items: [justAsked(body, by, Date.now()), ...known.items] });
    },
    onError: () => client.setQueryData(queryKey, (known) => known && { ...known, items: known.items.filter(({ command_id }) => command_id !== ASKED) }),
    onSuccess: () => {
      onDone();
      void client.invalidateQueries({ queryKey: keys.runs });
      void client.invalidateQueries({ queryKey: keys.checkpoints });
    },
    // Also what was refused tells of a run that is not what is shown.
    onSettled: () => client.invalidateQueries({ queryKey: keys.run(run.id) }),
  });
}

const ASKED = "asked";

/** What is on its way to the server. */
export function justAsked({ type, ...told }: CommandBody, by: string, now: number): Command {
  const unknown = { step: null, ranks: null, reason: "", accepted_at: null, ended_at: null, undone: false };
  return { ...unknown, command_id: ASKED, type, arguments: told.changes ?? told, state: "requested", by, created_at: new Date(now).toISOString() };
}

/** How far a command is, in words. */
export function lifeOf({ command_id, state, step, ranks, reason, undone }: Command): string {
  if (command_id === ASKED) return "being asked for";
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
