import type { RunLook } from "../runColour";

/** A short piece of a run's line. */
export function Swatch({ colour, dash }: RunLook) {
  return (
    <svg className="swatch" width={18} height={8} aria-hidden>
      <line x1={0} x2={18} y1={4} y2={4} stroke={colour} strokeWidth={2.5} strokeDasharray={dash.join(" ")} />
    </svg>
  );
}
