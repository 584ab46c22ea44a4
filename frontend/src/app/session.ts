import { Store } from "@/shared/store";

/** The server does not know who we are: there is no session, or it has ended. */
export const signedOut = new Store(false);
