import type { ReactNode } from "react";

const HIGH = 0.95;

interface MeterProps {
  name: string;
  /** 0 to 1; none where there is no limit, or it was not read. */
  share?: number | undefined;
  text: string;
  children?: ReactNode;
}

/** A name, how much of it is in use, and in words. */
export function Meter({ name, share, text, children }: MeterProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="meter-line">
        <span className="meter-text">{text}</span>
        {share !== undefined && <Bar share={share} label={`${name}: ${text}`} />}
        {children}
      </dd>
    </div>
  );
}

export function Bar({ share, label }: { share: number; label: string }) {
  const percent = Math.round(Math.min(Math.max(share, 0), 1) * 100);
  return (
    <span className="progress meter-bar" data-tone={share > HIGH ? "warn" : undefined} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
      <span style={{ width: `${String(percent)}%` }} />
    </span>
  );
}

const WIDTH = 120;
const HEIGHT = 20;
const SECONDS = 120;

interface SparklineProps {
  /** In rising seconds. */
  points: readonly (readonly [second: number, value: number | undefined])[];
  /** Of the scale; without it the highest value. */
  top?: number | undefined;
}

/** The last two minutes, for the eye only. */
export function Sparkline({ points, top }: SparklineProps) {
  const end = points.at(-1)?.[0] ?? 0;
  const highest = top ?? Math.max(1, ...points.map(([, value]) => value ?? 0));
  const shown = points.filter(([second, value]) => value !== undefined && second > end - SECONDS);
  const places = shown.map(([second, value]) => `${(WIDTH - ((end - second) / SECONDS) * WIDTH).toFixed(1)},${(HEIGHT - 1 - (Math.min((value ?? 0) / highest, 1) * (HEIGHT - 2))).toFixed(1)}`);
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      <polyline points={places.join(" ")} />
    </svg>
  );
}
