import type { ReactNode } from "react";

const HIGH = 0.95;

interface MeterProps {
  name: string;
  /** 0 to 1; none where there is no limit, or it was not read. */
  share?: number | undefined;
  text: string;
  /** Whether little of it left is worth a look. */
  scarce?: boolean;
  children?: ReactNode;
}

/** A name, how much of it is in use, and in words. */
export function Meter({ name, share, text, scarce = false, children }: MeterProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="meter-line">
        <span className="meter-text">{text}</span>
        {share !== undefined && <Bar share={share} label={`${name}: ${text}`} warns={scarce && share > HIGH} />}
        {children}
      </dd>
    </div>
  );
}

export function Bar({ share, label, warns = false }: { share: number; label: string; warns?: boolean }) {
  const percent = Math.round(Math.min(Math.max(share, 0), 1) * 100);
  return (
    <span className="progress meter-bar" data-tone={warns ? "warn" : undefined} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
      <span style={{ width: `${String(percent)}%` }} />
    </span>
  );
}

const WIDTH = 120;
const HEIGHT = 20;
const SECONDS = 120;
const GAP = 3;

interface SparklineProps {
  /** In rising seconds. */
  points: readonly (readonly [second: number, value: number | undefined])[];
  /** Of the scale; without it the highest value. */
  top?: number | undefined;
}

/** The last two minutes, for the eye only; open where nobody was there to read. */
export function Sparkline({ points, top }: SparklineProps) {
  const end = points.at(-1)?.[0] ?? 0;
  const highest = top ?? Math.max(1, ...points.map(([, value]) => value ?? 0));
  let before = -Infinity;
  let line = "";
  for (const [second, value] of points) {
    if (value === undefined || second <= end - SECONDS) continue;
    const x = WIDTH - ((end - second) / SECONDS) * WIDTH;
    const y = HEIGHT - 1 - Math.min(value / highest, 1) * (HEIGHT - 2);
    line += `${second - before > GAP ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    before = second;
  }
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      <path d={line} />
    </svg>
  );
}
