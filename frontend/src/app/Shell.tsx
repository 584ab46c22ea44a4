import "./shell.css";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useStore } from "@/shared/store";
import { Navigation } from "./Navigation";
import { SignedOutPage } from "./SignedOutPage";
import { TopBar } from "./TopBar";
import { signedOut } from "./session";
import { useClusterNews } from "./useClusterNews";

export function Shell() {
  const outside = useStore(signedOut);
  const loggingIn = useRouterState({ select: ({ location }) => location.pathname === "/login" });
  useClusterNews();
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <TopBar />
      <Navigation />
      <main id="main" tabIndex={-1}>
        {outside && !loggingIn ? <SignedOutPage /> : <Outlet />}
      </main>
    </div>
  );
}
