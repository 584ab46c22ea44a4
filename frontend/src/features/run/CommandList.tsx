import { useQuery } from "@tanstack/react-query";
import { commandsQuery } from "@/shared/api/queries";
import type { Command, Run } from "@/shared/api/types";
import { ago, exactTime } from "@/shared/format/time";
import { useNow } from "@/shared/useNow";
import { NAMES } from "./actions";
import { argumentsText, lifeOf } from "./useCommand";

/** What the run was asked, by whom, and what became of it. */
export function CommandList({ run, newest }: { run: Run; newest?: number }) {
  const { data } = useQuery(commandsQuery(run.id));
  const now = useNow(10_000);
  const items = data?.items.slice(0, newest) ?? [];
  if (items.length === 0) return null;
  return (
    <section className="stack" aria-label="Commands">
      <h2>Commands</h2>
      <ul className="command-list">
        {items.map((command) => (
          <li key={command.command_id} data-state={command.state}>
            <strong>{NAMES[command.type]}</strong> <span className="mono">{argumentsText(command.arguments)}</span>
            <span aria-live="polite">{lifeOf(command)}</span>
            <span className="muted" title={exactTime(command.created_at)}>
              {command.by}, {ago(command.created_at, now)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The newest one that is not settled, or was a moment ago. */
export function Acknowledgement({ command }: { command: Command | undefined }) {
  if (!command) return null;
  return (
    <p className="banner" data-tone={command.state === "rejected" ? undefined : "info"} role="status">
      {NAMES[command.type]}: {lifeOf(command)}
    </p>
  );
}
