import type { FieldError } from "@/shared/api/types";
import { Field } from "@/shared/ui/Field";
import type { Settings } from "./settings";

const CONTROLS = [
  ["temperature", "Temperature", "0: always the likeliest", ""],
  ["max_new_tokens", "Length", "tokens, at most 4,096", ""],
  ["top_k", "Top-k", "only the k likeliest", "all"],
  ["top_p", "Top-p", "only the likeliest share", "1"],
  ["seed", "Seed", "the same seed, the same text", "random"],
] as const;

interface Props {
  settings: Settings;
  errors: readonly FieldError[];
  onChange: (change: Partial<Settings>) => void;
}

export function SamplingControls({ settings, errors, onChange }: Props) {
  return (
    <fieldset className="sampling">
      <legend className="visually-hidden">Sampling</legend>
      {CONTROLS.map(([name, label, hint, placeholder]) => (
        <Field key={name} label={label} hint={hint} error={errors.find(({ field }) => field === name)?.message}>
          {(control) => (
            <input
              {...control}
              className="input"
              inputMode="decimal"
              autoComplete="off"
              placeholder={placeholder}
              value={settings[name]}
              onChange={({ target }) => onChange({ [name]: target.value })}
            />
          )}
        </Field>
      ))}
    </fieldset>
  );
}
