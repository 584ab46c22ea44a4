import { RotateCcw } from "lucide-react";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Segments } from "@/shared/ui/Segments";
import type { ViewWishes } from "./address";
import { axisText } from "./chartSetup";
import type { ViewAxis } from "./curve";
import type { OnWishes } from "./useChartKeys";

const AXES: readonly (readonly [ViewAxis, string])[] = [
  ["step", "Step"],
  ["tokens", "Tokens"],
  ["time", "Time"],
  ["flops", "FLOPs"],
];
const SCALES = [
  ["linear", "Linear"],
  ["log", "Log"],
] as const;

interface Props {
  wishes: ViewWishes;
  /** Nobody knows what a token costs: there is no axis of FLOPs. */
  withoutFlops: boolean;
  onChange: OnWishes;
  /** Whether the newest points are in sight, and what changes that; null where none come. */
  follow: { on: boolean; toggle: () => void } | null;
}

/** One bar for all charts of the page. */
export function ChartControls({ wishes, withoutFlops, onChange, follow }: Props) {
  const zoomed = wishes.from !== undefined || wishes.to !== undefined;
  return (
    <div className="chart-controls" role="group" aria-label="Charts">
      <Segments
        label="Horizontal axis"
        value={wishes.axis}
        options={withoutFlops && wishes.axis !== "flops" ? AXES.slice(0, 3) : AXES}
        onChange={(axis) => onChange({ axis, from: undefined, to: undefined }, "at once")}
      />
      <Segments
        label="Vertical scale"
        value={wishes.log ? "log" : "linear"}
        options={SCALES}
        onChange={(scale) => onChange({ log: scale === "log" }, "at once")}
      />
      <Smoothing strength={wishes.smoothing} onChange={onChange} />
      <div className="row" role="group" aria-label="Shown">
        <Chip text="Clip outliers" about="leave out what lies far from the rest (o)" on={wishes.clip} onToggle={() => onChange({ clip: !wishes.clip }, "at once")} />
        <Chip text="All attempts" about="earlier attempts too, dashed (a)" on={wishes.attempts} onToggle={() => onChange({ attempts: !wishes.attempts }, "at once")} />
        {follow && <Chip text="Follow" about="go along with the newest points (space)" on={follow.on} onToggle={follow.toggle} />}
      </div>
      {zoomed ? (
        <Button onClick={() => onChange({ from: undefined, to: undefined }, "at once")}>
          <RotateCcw size={14} aria-hidden /> Show all
          <span className="muted"> {spanText(wishes)}</span>
        </Button>
      ) : (
        <span className="muted chart-hint">drag, pinch or Ctrl + wheel to zoom; a click on a mark tells its story; ? for keys</span>
      )}
    </div>
  );
}

function Smoothing({ strength, onChange }: { strength: number; onChange: OnWishes }) {
  return (
    <label className="smoothing">
      Smoothing
      <input
        type="range"
        min={0}
        max={0.99}
        step={0.01}
        value={strength}
        onChange={({ target }) => onChange({ smoothing: Number(target.value) }, "gliding")}
      />
      <output className="mono">{strength.toFixed(2)}</output>
    </label>
  );
}

function Chip({ text, about, on, onToggle }: { text: string; about: string; on: boolean; onToggle: () => void }) {
  return (
    <button type="button" className="chip" aria-pressed={on} title={about} onClick={onToggle}>
      {text}
    </button>
  );
}

function spanText({ axis, from, to }: ViewWishes): string {
  const text = (x: number) => (axis === "step" || axis === "tokens" ? integer(x) : axisText(axis, x));
  return `${text(from ?? 0)}–${to === undefined ? "" : text(to)}`;
}
