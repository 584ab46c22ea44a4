import { useNavigate, useSearch } from "@tanstack/react-router";
import { Playground } from "@/features/playground/Playground";
import { useTitle } from "@/shared/useTitle";

export default function PlaygroundPage() {
  useTitle("Playground");
  const { run, checkpoint } = useSearch({ from: "/playground" });
  const navigate = useNavigate({ from: "/playground" });
  return (
    <div className="page">
      <div className="page-head">
        <h1>Playground</h1>
      </div>
      <Playground run={run} checkpoint={checkpoint} onChoice={(choice) => void navigate({ search: choice, replace: true })} />
    </div>
  );
}
