/** What the top bar says of the connection. `replayed`: points caught up so far after a reconnect. */
export type ConnectionStatus =
  | { phase: "connecting" }
  | { phase: "live"; latencyMs: number | null }
  | { phase: "replaying"; replayed: number }
  | { phase: "reconnecting"; attempt: number }
  | { phase: "signed-out" }
  | { phase: "stopped" };

/** Milliseconds to wait before try number `attempt` (from 1): doubling up to 5 s, and any of it, so that browsers do not come all at once. */
export function backoff(attempt: number, random: () => number): number {
  const most = Math.min(5000, 500 * 2 ** (attempt - 1));
  return 100 + random() * most;
}

export function statusText(status: ConnectionStatus): string {
  switch (status.phase) {
    case "connecting":
      return "connecting";
    case "live":
      return status.latencyMs === null ? "live" : `live · ${Math.round(status.latencyMs).toString()} ms`;
    case "replaying":
      return `replaying ${status.replayed.toLocaleString("en")} points`;
    case "reconnecting":
      return "reconnecting";
    case "signed-out":
      return "signed out";
    case "stopped":
      return "not connected";
  }
}
