import "./shell.css";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useRef } from "react";
import { EmergencyBanner } from "@/features/cluster/EmergencyStop";
import { useStore } from "@/shared/store";
import { KeysHelp } from "./KeysHelp";
import { Navigation } from "./Navigation";
import { SignedOutPage } from "./SignedOutPage";
import { TopBar } from "./TopBar";
import { signedOut } from "./session";
import { useClusterNews } from "./useClusterNews";
import { useFocusOnPage } from "./useFocusOnPage";

export function Shell() {
  const outside = useStore(signedOut);
  const loggingIn = useRouterState({ select: ({ location }) => location.pathname === "/login" });
  const main = useRef<HTMLElement>(null);
  useClusterNews();
  useFocusOnPage(main);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <TopBar />
      <Navigation />
      <main id="main" ref={main} tabIndex={-1}>
        {!outside && !loggingIn && <EmergencyBanner />}
        {outside && !loggingIn ? <SignedOutPage /> : <Outlet />}
      </main>
      <KeysHelp />
    </div>
  );
}
