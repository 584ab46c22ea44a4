import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { datasetsQuery, tokenizersQuery } from "@/shared/api/queries";
import { Field, type ControlProps } from "@/shared/ui/Field";
import { valueAt, type Draft } from "./draft";
import { fallbackOf, shownText, valueOf, type FormField } from "./fields";

interface Props {
  field: FormField;
  draft: Draft;
  error: string | undefined;
  onChange: (path: string, value: unknown) => void;
}

/** One field of the form, whatever its kind. */
export function SpecField({ field, draft, error, onChange }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const text = shownText(field, typed, valueAt(draft, field.path));
  const fallback = fallbackOf(field, draft);
  const set = (next: string) => {
    setTyped(next);
    onChange(field.path, valueOf(field, next));
  };
  return (
    <Field label={field.label} hint={field.hint} error={error}>
      {(control) => <Control control={control} field={field} text={text} fallback={fallback} onText={set} />}
    </Field>
  );
}

interface ControlOf {
  control: ControlProps;
  field: FormField;
  text: string;
  fallback: string;
  onText: (text: string) => void;
}

function Control({ control, field, text, fallback, onText }: ControlOf) {
  const lists = useId();
  const common = { ...control, className: "input", value: text, name: field.path };
  switch (field.kind) {
    case "choice":
      return (
        <select {...common} value={text || fallback} onChange={({ target }) => onText(target.value)}>
          {field.options?.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      );
    case "lines":
      return <textarea {...common} rows={3} placeholder="Once upon a time" onChange={({ target }) => onText(target.value)} />;
    case "dataset":
    case "tokenizer":
      return (
        <>
          <input {...common} list={lists} autoComplete="off" placeholder={fallback} onChange={({ target }) => onText(target.value)} />
          <datalist id={lists}>{field.kind === "dataset" ? <DatasetOptions /> : <TokenizerOptions />}</datalist>
        </>
      );
    case "number":
    case "text":
      return (
        <input
          {...common}
          inputMode={field.kind === "number" ? "decimal" : "text"}
          autoComplete="off"
          spellCheck={false}
          placeholder={fallback}
          onChange={({ target }) => onText(target.value)}
        />
      );
  }
}

function DatasetOptions() {
  const { data } = useQuery(datasetsQuery);
  return data?.items.map(({ name, versions }) => (
    <option key={name} value={name}>
      {versions === 1 ? "1 version" : `${String(versions)} versions`}
    </option>
  ));
}

function TokenizerOptions() {
  const { data } = useQuery(tokenizersQuery);
  const trained = data?.items.filter(({ kind, state }) => kind === "bpe" && state === "ready") ?? [];
  return (
    <>
      <option value="char">a token per character</option>
      <option value="byte">a token per byte</option>
      {trained.map(({ id, name, version, vocab_size }) => (
        <option key={id} value={`${name}@${String(version)}`}>
          {vocab_size} tokens
        </option>
      ))}
    </>
  );
}
