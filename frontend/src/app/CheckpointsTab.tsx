import { useNavigate, useSearch } from "@tanstack/react-router";
import { CheckpointBrowser } from "@/features/checkpoints/CheckpointBrowser";
import { onlyNamed, searchOf } from "@/features/checkpoints/filter";
import type { Run } from "@/shared/api/types";

/** The filter is in the address, so that a link shows the same. */
export default function CheckpointsTab({ run }: { run: Run }) {
  const { only } = useSearch({ from: "/runs/$runId/$tab" });
  const navigate = useNavigate({ from: "/runs/$runId/$tab" });
  return (
    <CheckpointBrowser
      run={run}
      filter={{ only: onlyNamed(only) }}
      onFilter={(filter) => void navigate({ search: searchOf({ only: filter.only }), replace: true, resetScroll: false })}
    />
  );
}
