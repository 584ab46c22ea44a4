import { Link } from "@tanstack/react-router";
import type { Run, Slot } from "@/shared/api/types";
import { runColour } from "@/shared/runColour";

interface Props {
  slots: readonly Slot[];
  runs: readonly Run[];
}

function nameOf(slot: Slot, runs: readonly Run[]): string {
  return runs.find(({ id }) => id === slot.run_id)?.name ?? slot.run_id ?? "free";
}

/** A segment per slot, in the colour of the run that has it. */
export function SlotBar({ slots, runs }: Props) {
  const busy = slots.filter(({ run_id }) => run_id !== null).length;
  return (
    <div className="slot-bar" role="img" aria-label={`${String(busy)} of ${String(slots.length)} slots busy`}>
      {slots.map((slot) => (
        <span
          key={slot.id}
          title={`${slot.id}: ${nameOf(slot, runs)}`}
          style={slot.run_id === null ? undefined : { background: runColour(slot.run_id) }}
        />
      ))}
    </div>
  );
}

export function SlotTable({ slots, runs }: Props) {
  return (
    <div className="table-scroll">
      <table className="table slot-table">
        <thead>
          <tr>
            <th scope="col">Slot</th>
            <th scope="col">Device</th>
            <th scope="col">Run</th>
          </tr>
        </thead>
        <tbody>
          {slots.map((slot) => (
            <tr key={slot.id}>
              <td className="mono">{slot.id}</td>
              <td>{slot.name || slot.device}</td>
              <td>
                {slot.run_id === null ? (
                  <span className="muted">free</span>
                ) : (
                  <Link to="/runs/$runId/$tab" params={{ runId: slot.run_id, tab: "charts" }}>
                    {nameOf(slot, runs)}
                  </Link>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
