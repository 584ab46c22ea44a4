import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { LoginForm } from "@/features/login/LoginForm";
import { live } from "@/shared/live/connection";
import { useTitle } from "@/shared/useTitle";
import { signedOut } from "../session";

/** The code leaves the address bar before it is used. */
function takeCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code !== null) history.replaceState(history.state, "", location.pathname);
  return code;
}

export default function LoginPage() {
  useTitle("Sign in");
  const [code] = useState(takeCode);
  const client = useQueryClient();
  const navigate = useNavigate();
  const enter = async () => {
    // What was asked before is answered with 401, maybe only now.
    await client.cancelQueries();
    signedOut.set(false);
    live.retryNow();
    // Nothing of whoever was here before is shown.
    void client.resetQueries();
    void navigate({ to: "/runs", replace: true });
  };
  return (
    <div className="page">
      <LoginForm code={code} onSignedIn={() => void enter()} />
    </div>
  );
}
