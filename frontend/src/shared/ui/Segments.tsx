import { ToggleGroup } from "radix-ui";
import type { ReactNode } from "react";

interface Props<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: ReactNode, name?: string])[];
  onChange: (value: T) => void;
}

/** One of a few, all in sight. */
export function Segments<T extends string>({ label, value, options, onChange }: Props<T>) {
  return (
    <ToggleGroup.Root className="segments" type="single" aria-label={label} value={value} onValueChange={(next) => next && onChange(next as T)}>
      {options.map(([option, text, name]) => (
        <ToggleGroup.Item key={option} value={option} aria-label={name} title={name}>
          {text}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
