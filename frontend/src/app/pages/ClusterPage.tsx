import { ClusterAlerts } from "@/features/alerts/ClusterAlerts";
import { ClusterOverview } from "@/features/cluster/ClusterOverview";
import { EmergencyButton } from "@/features/cluster/EmergencyStop";
import { useTitle } from "@/shared/useTitle";

export default function ClusterPage() {
  useTitle("Cluster");
  return (
    <div className="page">
      <div className="page-head">
        <h1>Cluster</h1>
        <EmergencyButton />
      </div>
      <ClusterAlerts />
      <ClusterOverview />
    </div>
  );
}
