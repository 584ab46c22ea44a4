import { ClusterOverview } from "@/features/cluster/ClusterOverview";
import { useTitle } from "@/shared/useTitle";

export default function ClusterPage() {
  useTitle("Cluster");
  return (
    <div className="page">
      <div className="page-head">
        <h1>Cluster</h1>
      </div>
      <ClusterOverview />
    </div>
  );
}
