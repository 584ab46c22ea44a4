import { useNavigate, useSearch } from "@tanstack/react-router";
import { RoomWarning } from "@/features/checkpoints/RoomWarning";
import { Dashboard } from "@/features/runs/Dashboard";
import { useTitle } from "@/shared/useTitle";

export default function RunsPage() {
  useTitle("Runs");
  const { q = "" } = useSearch({ from: "/runs" });
  const navigate = useNavigate({ from: "/runs" });
  return (
    <div className="page">
      <div className="page-head">
        <h1>Runs</h1>
      </div>
      <RoomWarning />
      <Dashboard query={q} onQuery={(next) => void navigate({ search: next ? { q: next } : {}, replace: true })} />
    </div>
  );
}
