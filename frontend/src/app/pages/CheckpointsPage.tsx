import { useNavigate, useSearch } from "@tanstack/react-router";
import { CheckpointBrowser } from "@/features/checkpoints/CheckpointBrowser";
import { onlyNamed, searchOf } from "@/features/checkpoints/filter";
import { useTitle } from "@/shared/useTitle";

export default function CheckpointsPage() {
  useTitle("Checkpoints");
  const { run, alias, only } = useSearch({ from: "/checkpoints" });
  const navigate = useNavigate({ from: "/checkpoints" });
  return (
    <div className="page">
      <div className="page-head">
        <h1>Checkpoints</h1>
      </div>
      <CheckpointBrowser
        filter={{ run, alias, only: onlyNamed(only) }}
        onFilter={(filter) => void navigate({ search: searchOf(filter), replace: true, resetScroll: false })}
      />
    </div>
  );
}
