import { TriangleAlert } from "lucide-react";
import type { Alert, Severity } from "../api/types";
import { plural } from "../format/numbers";
import type { Tone } from "./RunStateBadge";

const TONES: Record<Severity, Tone> = { info: "info", warning: "warn", critical: "bad" };
const RANKS: readonly Severity[] = ["critical", "warning", "info"];

export function severityTone(severity: Severity): Tone {
  return TONES[severity];
}

/** How many alerts of a run are open that nobody has acknowledged, in the colour of the worst; nothing where there is none. */
export function AlertCount({ alerts, run }: { alerts: readonly Alert[]; run: string }) {
  const open = alerts.filter(({ cleared_at, acknowledged_at }) => cleared_at === null && acknowledged_at === null);
  const worst = RANKS.find((rank) => open.some(({ severity }) => severity === rank));
  if (worst === undefined) return null;
  const told = `${plural(open.length, "open alert")} of ${run}, ${worst}`;
  return (
    <span className="badge alert-count" data-tone={severityTone(worst)} title={open.map(({ message }) => message).join("\n")}>
      <TriangleAlert size={14} role="img" aria-label={told} /> {open.length}
    </span>
  );
}
