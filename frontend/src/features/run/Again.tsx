import { useNavigate } from "@tanstack/react-router";
import { Copy, GitFork, Repeat2 } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import type { Run } from "@/shared/api/types";
import { Menu, MenuItem } from "./Menu";

const ReplayDialog = lazy(() => import("./ReplayDialog"));

/** New runs out of this one. */
export function Again({ run }: { run: Run }) {
  const [asked, setAsked] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const navigate = useNavigate();
  return (
    <>
      <Menu label="New from this" icon={Copy} button={opener}>
        <MenuItem icon={Copy} text="Start from this" about="the form, filled in with its configuration" onSelect={() => void navigate({ to: "/runs/new", search: { from: run.id } })} />
        <MenuItem icon={Repeat2} text="Replay…" about="the same once more, with every change at its step" onSelect={() => setAsked(true)} />
        <MenuItem
          icon={GitFork}
          text="Fork…"
          about="go on from one of its checkpoints, with other settings"
          onSelect={() => void navigate({ to: "/runs/$runId/$tab", params: { runId: run.id, tab: "checkpoints" } })}
        />
      </Menu>
      {asked && (
        <Suspense fallback={null}>
          <ReplayDialog run={run} opener={opener} onClose={() => setAsked(false)} />
        </Suspense>
      )}
    </>
  );
}
