import type { ConnectionStatus } from "@/shared/live/status";
import { Store } from "@/shared/store";

/** The server does not know who we are: there is no session, or it has ended. */
export const signedOut = new Store(false);

/** A session may end while nothing is asked but for live events; the page says so then, too. */
export function followSession(connection: Store<ConnectionStatus>): void {
  connection.subscribe(() => {
    if (connection.get().phase === "signed-out") signedOut.set(true);
  });
}
