import { History, Plug, RefreshCw, Unplug, Wifi, type LucideIcon } from "lucide-react";
import { live } from "@/shared/live/connection";
import { statusText, type ConnectionStatus } from "@/shared/live/status";
import { useStore } from "@/shared/store";

const LOOKS: Record<ConnectionStatus["phase"], readonly [LucideIcon, string]> = {
  connecting: [Plug, "off"],
  live: [Wifi, "good"],
  replaying: [History, "info"],
  reconnecting: [RefreshCw, "warn"],
  "signed-out": [Unplug, "off"],
  stopped: [Unplug, "off"],
};

/** How fresh the page is. The words for screen readers leave out the latency, which changes all the time. */
export function ConnectionBadge() {
  const status = useStore(live.status);
  const [Icon, tone] = LOOKS[status.phase];
  return (
    <>
      <span className="badge connection" data-tone={tone} data-testid="connection" title="Connection to the live events" aria-hidden>
        <Icon size={14} aria-hidden /> {statusText(status)}
      </span>
      <span className="visually-hidden" role="status">
        Connection: {status.phase}
      </span>
    </>
  );
}
