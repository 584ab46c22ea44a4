import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { LogOut, Monitor, Moon, Plus, Sun, UserRound } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { call } from "@/shared/api/client";
import { meQuery } from "@/shared/api/queries";
import { useStore } from "@/shared/store";
import { setTheme, themeChoice, type ThemeChoice } from "@/shared/theme";
import { Segments } from "@/shared/ui/Segments";
import { ConnectionBadge } from "./ConnectionBadge";
import { signedOut } from "./session";

const THEMES = [
  ["system", <Monitor key="s" size={14} aria-hidden />, "Theme of the system"],
  ["dark", <Moon key="d" size={14} aria-hidden />, "Dark theme"],
  ["light", <Sun key="l" size={14} aria-hidden />, "Light theme"],
] as const satisfies readonly (readonly [ThemeChoice, unknown, string])[];

export function TopBar() {
  return (
    <header className="top-bar">
      <Link to="/runs" className="brand" aria-label="Groundup, all runs">
        <img src="/icon.svg" alt="" width={22} height={22} />
        <span>Groundup</span>
      </Link>
      <div className="row top-bar-end">
        <ConnectionBadge />
        <Link to="/runs/new" className="button" data-kind="primary">
          <Plus size={14} aria-hidden /> <span>New run</span>
        </Link>
        <AccountMenu />
      </div>
    </header>
  );
}

function AccountMenu() {
  const { data: me } = useQuery(meQuery);
  const theme = useStore(themeChoice);
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button" data-kind="quiet" data-icon aria-label="Account and theme">
        <UserRound size={16} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
          <div className="account">
            {me ? (
              <p>
                <strong>{me.name}</strong> <span className="muted">{me.role}</span>
              </p>
            ) : (
              <p className="muted">Not signed in</p>
            )}
            <Segments label="Theme" value={theme} options={THEMES} onChange={setTheme} />
          </div>
          {me && (
            <DropdownMenu.Item className="menu-item" onSelect={() => void signOut()}>
              <LogOut size={14} aria-hidden /> Sign out
            </DropdownMenu.Item>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

async function signOut(): Promise<void> {
  await call("POST", "/api/v1/logout").catch(() => undefined);
  signedOut.set(true);
}
