import { CircleAlert } from "lucide-react";
import type { FieldError } from "@/shared/api/types";
import { Field } from "@/shared/ui/Field";

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
      <ul>
        {errors.map(({ field, message }) => (
          <li key={`${field} ${message}`} className="field-error">
            <CircleAlert size={12} aria-hidden />
            <span>
              <code>{field}</code> {message}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
