import { useNavigate, useSearch } from "@tanstack/react-router";
import { RunSystem, type View } from "@/features/system/RunSystem";
import type { Run } from "@/shared/api/types";

/** What is in sight is in the address, so that a link shows the same. */
export default function SystemTab({ run }: { run: Run }) {
  const { from, to, last } = useSearch({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate({ from: "/runs/$runId/$tab" });
  return <RunSystem run={run} view={viewOf(from, to, last)} onView={(view) => void navigate({ search: searchOf(view), replace: true, resetScroll: false })} />;
}

function viewOf(from: string | undefined, to: string | undefined, last: string | undefined): View {
  const [first, end, seconds] = [from, to, last].map(Number);
  if (first !== undefined && end !== undefined && first >= 0 && end > first) return { from: first, to: end };
  return seconds !== undefined && seconds > 0 && Number.isFinite(seconds) ? { last: seconds } : null;
}

function searchOf(view: View): { from?: string; to?: string; last?: string } {
  if (view === null) return {};
  return "last" in view ? { last: String(view.last) } : { from: String(view.from), to: String(view.to) };
}
