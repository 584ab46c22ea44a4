import { call } from "../api/client";
import { Problem } from "../api/problem";
import { SignedOut, WebSocketService } from "./WebSocketService";

async function freshTicket(): Promise<string> {
  const { ticket } = await call<{ ticket: string }>("POST", "/api/v1/ws-tickets").catch((thrown: unknown) => {
    throw thrown instanceof Problem && thrown.status === 401 ? new SignedOut() : thrown;
  });
  return ticket;
}

async function open(ticket: string | null): Promise<WebSocket> {
  const address = new URL(`/ws/v1?ticket=${encodeURIComponent(ticket ?? (await freshTicket()))}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address);
}

/** The page's one socket. */
export const live = new WebSocketService({ open });

/** Start it, and try again at once whenever the browser says that it makes sense. */
export function connectLive(): void {
  live.start();
  addEventListener("online", () => live.retryNow());
  live.setHidden(document.visibilityState === "hidden");
  document.addEventListener("visibilitychange", () => {
    live.setHidden(document.visibilityState === "hidden");
    if (document.visibilityState === "visible" && live.status.get().phase === "reconnecting") live.retryNow();
  });
}
