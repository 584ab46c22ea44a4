import { useNavigate, useSearch } from "@tanstack/react-router";
import { LogView } from "@/features/logs/LogView";
import type { Run } from "@/shared/api/types";

export function LogsTab({ run }: { run: Run }) {
  const { find, rank } = useSearch({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate({ from: "/runs/$runId/$tab" });
  const show = (next: { find: string; rank: string }) => {
    const search: { find?: string; rank?: string } = {};
    if (next.find) search.find = next.find;
    if (next.rank) search.rank = next.rank;
    void navigate({ search, replace: true, resetScroll: false });
  };
  return <LogView run={run} find={find ?? ""} rank={rank ?? ""} onShow={show} />;
}
