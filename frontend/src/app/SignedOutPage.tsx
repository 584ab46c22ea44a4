import { useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { meQuery } from "@/shared/api/queries";
import { live } from "@/shared/live/connection";
import { Button } from "@/shared/ui/Button";
import { Notice } from "@/shared/ui/Notice";
import { Snippet } from "@/shared/ui/Snippet";
import { useTitle } from "@/shared/useTitle";
import { signedOut } from "./session";

/** In place of every page while nobody is signed in. The address stays, so that signing in leads back to it. */
export function SignedOutPage() {
  const client = useQueryClient();
  const [said, setSaid] = useState("");
  useTitle("Sign in");
  const look = async () => {
    try {
      await client.query({ ...meQuery, staleTime: 0 });
      await client.cancelQueries();
      signedOut.set(false);
      live.retryNow();
      await client.invalidateQueries();
    } catch {
      setSaid("Still not signed in.");
    }
  };
  return (
    <div className="page">
      <Notice level={1} icon={<KeyRound size={28} aria-hidden />} title="Sign in with a link">
        <p>This browser has no session here, or it has ended. A login link works once, for ten minutes. On the machine that runs Groundup, type:</p>
        <Snippet label="command for a login link" text="groundup login-link" />
        <p>and open what it prints in this browser. Then come back to this page.</p>
        <Button kind="primary" onClick={() => void look()}>
          I have signed in
        </Button>
        <p role="status">{said}</p>
      </Notice>
    </div>
  );
}
