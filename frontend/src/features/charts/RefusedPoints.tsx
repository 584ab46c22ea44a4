import { TriangleAlert } from "lucide-react";
import type { Run } from "@/shared/api/types";
import { integer } from "@/shared/format/numbers";
import { useRefused } from "./useRefused";

/** What is missing in the curves, and why; only where something is. */
export function RefusedPoints({ run }: { run: Run }) {
  const refused = useRefused(run);
  if (refused === null) return null;
  const { count, reason } = refused;
  return (
    <div className="banner" data-tone="warn" role="status">
      <TriangleAlert size={16} aria-hidden />
      <span>
        Missing in the curves: {integer(count)} {count === 1 ? "point or event" : "points or events"}. {count > 1 && "The last one: "}
        {reason}
      </span>
    </div>
  );
}
