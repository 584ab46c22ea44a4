import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { AccountMenu } from "./AccountMenu";
import { ConnectionBadge } from "./ConnectionBadge";

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
