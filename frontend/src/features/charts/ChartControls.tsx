import { RotateCcw } from "lucide-react";
import { integer } from "@/shared/format/numbers";
import { Button } from "@/shared/ui/Button";
import { Segments } from "@/shared/ui/Segments";
import type { ViewWishes } from "./ChartView";
import type { Pace } from "./zoom";

const AXES = [
  ["step", "Step"],
  ["tokens", "Tokens"],
  ["time", "Time"],
] as const;
const SCALES = [
  ["linear", "Linear"],
  ["log", "Log"],
] as const;

interface Props {
  wishes: ViewWishes;
  onChange: (change: Partial<ViewWishes>, pace: Pace) => void;
}

/** One bar for all charts of the page. */
export function ChartControls({ wishes, onChange }: Props) {
  const zoomed = wishes.from !== undefined || wishes.to !== undefined;
  return (
    <div className="chart-controls" role="group" aria-label="Charts">
      <Segments label="Horizontal axis" value={wishes.axis} options={AXES} onChange={(axis) => onChange({ axis, from: undefined, to: undefined }, "at once")} />
      <Segments
        label="Vertical scale"
        value={wishes.log ? "log" : "linear"}
        options={SCALES}
        onChange={(scale) => onChange({ log: scale === "log" }, "at once")}
      />
      <label className="smoothing">
        Smoothing
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={wishes.smoothing}
          onChange={({ target }) => onChange({ smoothing: Number(target.value) }, "gliding")}
        />
        <output className="mono">{wishes.smoothing.toFixed(2)}</output>
      </label>
      {zoomed ? (
        <Button onClick={() => onChange({ from: undefined, to: undefined }, "at once")}>
          <RotateCcw size={14} aria-hidden /> Show all
          {wishes.axis !== "time" && <span className="muted"> {`${integer(wishes.from ?? 0)}–${integer(wishes.to)}`}</span>}
        </Button>
      ) : (
        <span className="muted chart-hint">drag, pinch or Ctrl + wheel to zoom; keys + − ← → on a chart; double click or 0 shows all; a click on a mark, or , . and Enter, tells its story</span>
      )}
    </div>
  );
}
