import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { RoomWarning } from "@/features/checkpoints/RoomWarning";
import { Dashboard } from "@/features/runs/Dashboard";
import { choiceOf, choiceSearch, type Choice } from "@/shared/choice";
import { useTitle } from "@/shared/useTitle";

export default function RunsPage() {
  useTitle("Runs");
  const { q = "", runs = "", hidden = "" } = useSearch({ from: "/runs" });
  const choice = useMemo(() => choiceOf({ runs, hidden }), [runs, hidden]);
  const navigate = useNavigate({ from: "/runs" });
  return (
    <div className="page">
      <div className="page-head">
        <h1>Runs</h1>
      </div>
      <RoomWarning />
      <Dashboard
        query={q}
        onQuery={(next) => void navigate({ search: searchOf(next, choice), replace: true })}
        choice={choice}
        onChoose={(next) => void navigate({ search: searchOf(q, next), replace: true, resetScroll: false })}
      />
    </div>
  );
}

function searchOf(q: string, choice: Choice) {
  return { ...(q && { q }), ...choiceSearch(choice) };
}
