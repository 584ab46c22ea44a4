import type { FieldError } from "@/shared/api/types";
import { Field } from "@/shared/ui/Field";
import { Complaints } from "./Complaints";

interface Props {
  text: string;
  /** Why it cannot be read; null where it can. */
  problem: string | null;
  errors: readonly FieldError[];
  onText: (text: string) => void;
}

export function YamlEditor({ text, problem, errors, onText }: Props) {
  const rows = Math.max(18, text.split("\n").length + 2);
  return (
    <div className="stack">
      <Field label="Run spec" hint="Only name and dataset are required." error={problem ?? undefined}>
        {(control) => (
          <textarea {...control} className="input mono yaml" rows={rows} spellCheck={false} value={text} onChange={({ target }) => onText(target.value)} />
        )}
      </Field>
      <Complaints items={errors} />
    </div>
  );
}
