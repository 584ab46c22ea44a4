import "./alerts.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { TriangleAlert } from "lucide-react";
import { alertsQuery } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { plural } from "@/shared/format/numbers";
import { severityTone } from "@/shared/ui/AlertCount";

/** Under the run's name: the newest alert that is open and that nobody has acknowledged, and how many more there are. */
export function OpenAlerts({ run }: { run: Run }) {
  const { data } = useQuery(alertsQuery(run.id));
  const open = data?.items.filter(({ cleared_at, acknowledged_at }) => cleared_at === null && acknowledged_at === null) ?? [];
  const [newest] = open;
  if (!newest) return null;
  return (
    <div className="banner open-alerts" role="status" data-tone="info">
      <span className="badge" data-tone={severityTone(newest.severity)}>
        <TriangleAlert size={14} aria-hidden /> {newest.severity}
      </span>
      <span>
        <strong>{newest.detector.replaceAll("_", " ")}</strong> {newest.message}
      </span>
      <Link to="/runs/$runId/$tab" params={{ runId: run.id, tab: "alerts" }}>
        {open.length === 1 ? "Look at the alert" : `Look at ${plural(open.length, "alert")}`}
      </Link>
    </div>
  );
}
