import { useNavigate, useSearch } from "@tanstack/react-router";
import { LogView } from "@/features/logs/LogView";
import type { Shown } from "@/features/logs/useLog";
import type { Run } from "@/shared/api/types";

export function LogsTab({ run }: { run: Run }) {
  const { q, rank, line, only } = useSearch({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate({ from: "/runs/$runId/$tab" });
  const shown: Shown = { q: q ?? "", rank: digits(rank), line: digits(line) === "" ? null : Number(line), errors: only === "errors" };
  const show = (next: Shown) => {
    const search: { q?: string; rank?: string; line?: string; only?: string } = {};
    if (next.q) search.q = next.q;
    if (next.rank) search.rank = next.rank;
    if (next.line !== null) search.line = String(next.line);
    if (next.errors) search.only = "errors";
    void navigate({ search, replace: true, resetScroll: false });
  };
  return <LogView run={run} shown={shown} onShow={show} />;
}

/** Of an address that somebody may have typed. */
function digits(text = ""): string {
  return /^\d{1,15}$/.test(text) ? text : "";
}
