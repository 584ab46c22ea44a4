import { useQuery } from "@tanstack/react-query";
import { commandsQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { NAMES } from "./actions";
import { lifeOf } from "./useCommand";

/** How far the newest command is: asked for, taken up, applied at a step on so many processes. */
export function CommandLine({ run }: { run: Run }) {
  const { data } = useQuery(commandsQuery(run.id));
  const command = data?.items[0];
  if (!command) return null;
  return (
    <p className="muted" role="status">
      {NAMES[command.type]} by {command.by}: {lifeOf(command)}
    </p>
  );
}
