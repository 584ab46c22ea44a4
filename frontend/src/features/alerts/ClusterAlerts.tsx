import "./alerts.css";
import { useQuery } from "@tanstack/react-query";
import { clusterAlertsQuery } from "@/shared/api/queries";
import { ErrorBanner } from "@/shared/ui/Notice";
import { Alerts } from "./AlertList";

/** What is wrong with the room for checkpoints or with a worker's disk; nothing where all is well. */
export function ClusterAlerts() {
  const { data, error } = useQuery(clusterAlertsQuery);
  return (
    <>
      {error && <ErrorBanner error={error} />}
      {data && data.items.length > 0 && <Alerts items={data.items} more={data.next_cursor !== null} whose={({ run_id }) => run_id.replace(/^worker\./, "")} />}
    </>
  );
}
