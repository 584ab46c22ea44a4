import type { FieldError } from "@/shared/api/types";
import { valueAt, type Draft } from "./draft";
import { SECTIONS, type FormSection } from "./fields";
import { SpecField } from "./SpecField";

interface Props {
  draft: Draft;
  errors: readonly FieldError[];
  onChange: (path: string, value: unknown) => void;
}

export function SpecForm({ draft, errors, onChange }: Props) {
  return (
    <div className="stack">
      {SECTIONS.map((section) => (
        <Section key={section.title} section={section} draft={draft} errors={errors} onChange={onChange} />
      ))}
    </div>
  );
}

function Section({ section, draft, errors, onChange }: Props & { section: FormSection }) {
  const { title, fields, more = [] } = section;
  const show = (field: (typeof fields)[number]) => (
    <SpecField key={field.path} field={field} draft={draft} error={errorAt(errors, field.path)} onChange={onChange} />
  );
  const needed = more.some(({ path }) => valueAt(draft, path) !== undefined || errorAt(errors, path) !== undefined);
  return (
    <fieldset className="card">
      <legend className="visually-hidden">{title}</legend>
      <div className="card-head">
        <h2>{title}</h2>
      </div>
      <div className="card-body spec-fields">{fields.map(show)}</div>
      {more.length > 0 && (
        <details className="spec-more" open={needed || undefined}>
          <summary>More</summary>
          <div className="card-body spec-fields">{more.map(show)}</div>
        </details>
      )}
    </fieldset>
  );
}

/** Of the field itself, or of an element in it (`train.sample.prompts.0`). */
function errorAt(errors: readonly FieldError[], path: string): string | undefined {
  return errors.find(({ field }) => field === path || field.startsWith(`${path}.`))?.message;
}
