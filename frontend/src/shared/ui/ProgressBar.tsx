import type { Tone } from "./RunStateBadge";

interface Props {
  /** 0 to 1 */
  share: number;
  label: string;
  tone?: Tone;
}

export function ProgressBar({ share, label, tone = "info" }: Props) {
  const now = Math.round(Math.min(Math.max(share, 0), 1) * 1000) / 10;
  return (
    <div className="progress" data-tone={tone} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={now}>
      <span style={{ width: `${String(now)}%` }} />
    </div>
  );
}
