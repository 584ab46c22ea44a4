import type { QueryClient } from "@tanstack/react-query";
import { currentUpload } from "@/features/datasets/Uploader";
import { call } from "@/shared/api/client";
import { Problem } from "@/shared/api/problem";
import { typedText } from "@/shared/kept";
import { live } from "@/shared/live/connection";
import { signedOut } from "./session";

const tabs = new BroadcastChannel("groundup.signed-out");

/** Ends the session, then forgets everything of it, in all tabs. Throws Problem where the server could not be told: then the session goes on. */
export async function signOut(client: QueryClient): Promise<void> {
  try {
    await call("POST", "/api/v1/logout");
  } catch (thrown) {
    const hasEnded = thrown instanceof Problem && thrown.status === 401;
    if (!hasEnded) throw thrown;
  }
  forget(client);
  tabs.postMessage("");
}

/** When somebody signs out in another tab, this one forgets too. */
export function followSignOut(client: QueryClient): void {
  tabs.onmessage = () => forget(client);
}

/** Nothing of whoever was here is left for whoever comes next. */
function forget(client: QueryClient): void {
  signedOut.set(true);
  live.stop();
  currentUpload.get()?.cancel();
  currentUpload.set(null);
  client.clear();
  typedText.forgetAll();
}
