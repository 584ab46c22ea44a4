import { useQuery } from "@tanstack/react-query";
import { call, path } from "@/shared/api/client";
import { hasEnded, keys } from "@/shared/api/queries";
import type { Command, Page, Run } from "@/shared/api/types";
import { integer, plural } from "@/shared/format/numbers";

const WAITING_MS = 2000;

/** How far the newest command is: asked for, taken up, applied at a step on so many processes. */
export function CommandLine({ run }: { run: Run }) {
  const { data } = useQuery({
    queryKey: [...keys.run(run.id), "commands"],
    queryFn: ({ signal }) => call<Page<Command>>("GET", path`/api/v1/runs/${run.id}/commands`, { query: { limit: 1 }, signal }),
    refetchInterval: run.state === "stopping" ? WAITING_MS : false,
  });
  const command = data?.items[0];
  if (!command) return null;
  return (
    <p className="muted" role="status">
      {command.type} by {command.by}: {progressOf(command, hasEnded(run))}
    </p>
  );
}

function progressOf({ state, step, ranks, reason }: Command, ended: boolean): string {
  switch (state) {
    case "requested":
      return ended ? "the run has ended" : "requested";
    case "accepted":
      return "accepted by the worker";
    case "applied":
      return step === null ? "applied" : `applied at step ${integer(step)}${ranks === null ? "" : ` on ${plural(ranks, "rank")}`}`;
    case "rejected":
      return `rejected: ${reason}`;
  }
}
