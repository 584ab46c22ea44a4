import { Link } from "@tanstack/react-router";
import { Activity, Database, MessageSquareText, Package, Server } from "lucide-react";

const PLACES = [
  ["/runs", "Runs", Activity],
  ["/datasets", "Datasets", Database],
  ["/checkpoints", "Checkpoints", Package],
  ["/playground", "Playground", MessageSquareText],
  ["/cluster", "Cluster", Server],
] as const;

export function Navigation() {
  return (
    <nav className="navigation" aria-label="Main">
      <ul>
        {PLACES.map(([to, name, Icon]) => (
          <li key={to}>
            <Link to={to} activeProps={{ "aria-current": "page" }}>
              <Icon size={16} aria-hidden />
              <span>{name}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
