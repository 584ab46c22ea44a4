import type { Told } from "./words";

export function ToldBadge({ told: { icon: Icon, tone, text, about } }: { told: Told }) {
  return (
    <span className="badge" data-tone={tone} title={about}>
      <Icon size={14} aria-hidden /> {text}
    </span>
  );
}
