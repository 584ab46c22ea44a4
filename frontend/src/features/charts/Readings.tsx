import { Swatch } from "@/shared/ui/Swatch";
import { valueText } from "./chartSetup";
import { placeText, type Reading } from "./describe";
import type { ViewAxis } from "./curve";

export interface Pointed {
  x: number;
  /** Of the crosshair, from the left of the canvas. */
  pixel: number;
  /** The half that it is in: the table stands in the other. */
  side: "left" | "right";
  readings: readonly Reading[];
}

const MOST_ROWS = 20;

/** The values of all runs at the crosshair. */
export function Readings({ name, axis, pointed }: { name: string; axis: ViewAxis; pointed: Pointed }) {
  const { x, pixel, side, readings } = pointed;
  const banded = readings.some(({ least, most }) => least !== most);
  return (
    <div className="readings" data-side={side} style={{ left: pixel }} aria-hidden>
      <p className="muted">{placeText(axis, x)}</p>
      <table>
        <tbody>
          {readings.slice(0, MOST_ROWS).map(({ id, label, value, least, most, ...look }) => (
            <tr key={id}>
              <td>
                <Swatch {...look} />
              </td>
              <td className="clip">{label}</td>
              <td className="number">{valueText(name, value)}</td>
              {banded && <td className="number muted">{least === most ? "" : `${valueText(name, least)}–${valueText(name, most)}`}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
