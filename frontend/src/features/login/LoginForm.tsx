import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useEffect, useRef } from "react";
import { call } from "@/shared/api/client";
import type { Me } from "@/shared/api/types";
import { ErrorBanner, Notice } from "@/shared/ui/Notice";
import { Snippet } from "@/shared/ui/Snippet";

interface Props {
  /** The one-time code of the link; null where the address has none. */
  code: string | null;
  onSignedIn: (me: Me) => void;
}

/** Exchanges the code of a login link for a session, once. */
export function LoginForm({ code, onSignedIn }: Props) {
  const login = useMutation({
    mutationFn: (given: string) => call<Me>("POST", "/api/v1/login", { body: { code: given } }),
    onSuccess: onSignedIn,
  });
  const used = useRef(false);
  const { mutate } = login;
  useEffect(() => {
    if (code === null || used.current) return;
    used.current = true;
    mutate(code);
  }, [code, mutate]);

  if (login.isPending) return <Notice level={1} title="Signing in…" />;
  return (
    <Notice level={1} icon={<KeyRound size={28} aria-hidden />} title={login.isError ? "This link does not work" : "Sign in with a link"}>
      {login.isError && <ErrorBanner error={login.error} />}
      <p>A login link works once, for ten minutes. On the machine that runs Groundup, type:</p>
      <Snippet label="command for a login link" text="groundup login-link" />
      <p>and open what it prints in this browser.</p>
    </Notice>
  );
}
