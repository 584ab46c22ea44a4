import type { ReactNode } from "react";

interface Props {
  facts: readonly (readonly [name: string, value: ReactNode])[];
  /** How they are laid out. */
  className?: string;
}

/** Names and what they are. */
export function Facts({ facts, className = "facts" }: Props) {
  return (
    <dl className={className}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
