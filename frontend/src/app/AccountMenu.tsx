import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Bell, LogOut, Monitor, Moon, Sun, UserRound, X } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { meQuery } from "@/shared/api/queries";
import { useStore } from "@/shared/store";
import { setTheme, themeChoice, type ThemeChoice } from "@/shared/theme";
import { IconButton } from "@/shared/ui/Button";
import { ErrorBanner } from "@/shared/ui/Notice";
import { Segments } from "@/shared/ui/Segments";
import { signedOut } from "./session";
import { signOut } from "./signOut";

const THEMES = [
  ["system", <Monitor key="s" size={14} aria-hidden />, "Theme of the system"],
  ["dark", <Moon key="d" size={14} aria-hidden />, "Dark theme"],
  ["light", <Sun key="l" size={14} aria-hidden />, "Light theme"],
] as const satisfies readonly (readonly [ThemeChoice, unknown, string])[];

/** Who is signed in, the theme, and the way out. */
export function AccountMenu() {
  const client = useQueryClient();
  const leaving = useMutation({ mutationFn: () => signOut(client) });
  const theme = useStore(themeChoice);
  const me = useMe();
  const navigate = useNavigate();
  return (
    <>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger className="button" data-kind="quiet" data-icon aria-label="Account and theme">
          <UserRound size={16} aria-hidden />
        </DropdownMenu.Trigger>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
          <div className="account">
            <p>{me ? <strong>{me.name}</strong> : "Not signed in"} {me && <span className="muted">{me.role}</span>}</p>
            <Segments label="Theme" value={theme} options={THEMES} onChange={setTheme} />
          </div>
          {me?.role === "admin" && (
            <DropdownMenu.Item className="menu-item" onSelect={() => void navigate({ to: "/settings/notifications" })}>
              <Bell size={14} aria-hidden /> Notifications
            </DropdownMenu.Item>
          )}
          {me && (
            <DropdownMenu.Item className="menu-item" onSelect={() => leaving.mutate()}>
              <LogOut size={14} aria-hidden /> Sign out
            </DropdownMenu.Item>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Root>
      {leaving.isError && <StillSignedIn error={leaving.error} onClose={leaving.reset} />}
    </>
  );
}

function useMe() {
  const outside = useStore(signedOut);
  const { data } = useQuery({ ...meQuery, enabled: !outside });
  return outside ? undefined : data;
}

function StillSignedIn({ error, onClose }: { error: unknown; onClose: () => void }) {
  return (
    <div className="sign-out-failure card card-body row">
      <strong>You are still signed in.</strong>
      <ErrorBanner error={error} />
      <IconButton label="Close" onClick={onClose}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}
