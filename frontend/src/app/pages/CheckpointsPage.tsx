import { CheckpointBrowser } from "@/features/checkpoints/CheckpointBrowser";
import { useTitle } from "@/shared/useTitle";

export default function CheckpointsPage() {
  useTitle("Checkpoints");
  return (
    <div className="page">
      <div className="page-head">
        <h1>Checkpoints</h1>
      </div>
      <CheckpointBrowser />
    </div>
  );
}
