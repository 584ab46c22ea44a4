import { ChartScatter } from "lucide-react";
import { useState } from "react";
import type { Run } from "@/shared/api/types";
import type { RunLook } from "@/shared/runColour";
import { Notice } from "@/shared/ui/Notice";
import { causes, effects, isWide, placesOf, scaleOf, type Place } from "./relation";
import type { Row, Section } from "./rows";

interface Props {
  runs: readonly Run[];
  looks: ReadonlyMap<string, RunLook>;
  sections: readonly Section[];
}

const [WIDTH, HEIGHT] = [640, 280];

/** A setting against a result: what a sweep was made for. The table has the same numbers. */
export function Relation({ runs, looks, sections }: Props) {
  const [settings, results] = [causes(sections), effects(sections)];
  const [setting, setSetting] = useState("");
  const [result, setResult] = useState("train/loss, lowest");
  const cause = settings.find(({ name }) => name === setting) ?? settings[0];
  const effect = results.find(({ name }) => name === result) ?? results[0];
  if (runs.length < 2) return null;
  if (!cause || !effect) {
    return (
      <Notice icon={<ChartScatter size={28} aria-hidden />} title="No setting to relate">
        <p>The runs differ in no number, so there is nothing that a result could depend on.</p>
      </Notice>
    );
  }
  return (
    <section className="card card-body stack" aria-label="Relation">
      <div className="row">
        <Choice label="Result" value={effect.name} rows={results} onChange={setResult} />
        over
        <Choice label="Setting" value={cause.name} rows={settings} onChange={setSetting} />
      </div>
      <Scatter runs={runs} looks={looks} cause={cause} effect={effect} />
    </section>
  );
}

function Choice({ label, value, rows, onChange }: { label: string; value: string; rows: readonly Row[]; onChange: (name: string) => void }) {
  return (
    <select className="input relation-choice" aria-label={label} value={value} onChange={({ target }) => onChange(target.value)}>
      {rows.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function Scatter({ runs, looks, cause, effect }: Pick<Props, "runs" | "looks"> & { cause: Row; effect: Row }) {
  const places = placesOf(cause, effect);
  const [xs, ys] = [places.map(({ x }) => x), places.map(({ y }) => y)];
  const [across, up] = [scaleOf(xs), scaleOf(ys)];
  const told = places.map(({ index }) => `${runs[index]?.name ?? ""} ${cause.cells[index]?.text ?? ""}: ${effect.cells[index]?.text ?? ""}`).join(", ");
  const dot = ({ index, x, y }: Place) => {
    const run = runs[index];
    return (
      <g key={index} transform={`translate(${String(across(x) * WIDTH)} ${String((1 - up(y)) * HEIGHT)})`}>
        <circle r={5} fill={looks.get(run?.id ?? "")?.colour} />
        <text y={-9} textAnchor={across(x) > 0.8 ? "end" : across(x) < 0.2 ? "start" : "middle"}>
          {run?.name} · {effect.cells[index]?.text}
        </text>
        <text y={18} className="relation-x" textAnchor="middle">
          {cause.cells[index]?.text}
        </text>
      </g>
    );
  };
  return (
    <>
      <svg className="relation" viewBox={`0 -24 ${String(WIDTH)} ${String(HEIGHT + 48)}`} role="img" aria-label={`${effect.name} over ${cause.name}: ${told}`}>
        <path d={`M0 -24 V${String(HEIGHT + 20)} H${String(WIDTH)}`} />
        {places.map(dot)}
      </svg>
      <p className="muted">
        {cause.name} {isWide(xs) && "(log)"} from left to right, {effect.name} {isWide(ys) && "(log)"} upwards
      </p>
    </>
  );
}
