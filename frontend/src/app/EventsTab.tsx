import { EventList } from "@/features/events/EventList";
import { CommandList } from "@/features/run/CommandList";
import type { Run } from "@/shared/api/types";

/** What the run was asked, and what happened. */
export default function EventsTab({ run }: { run: Run }) {
  return (
    <div className="stack">
      <CommandList run={run} />
      <EventList run={run} />
    </div>
  );
}
