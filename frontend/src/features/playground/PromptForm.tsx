import { Play, Square } from "lucide-react";
import type { ReactNode, SubmitEvent } from "react";
import type { FieldError } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { Field } from "@/shared/ui/Field";
import { SamplingControls } from "./SamplingControls";
import type { Settings } from "./settings";

interface Props {
  settings: Settings;
  errors: readonly FieldError[];
  running: boolean;
  /** What comes before the prompt. */
  children: ReactNode;
  onChange: (change: Partial<Settings>) => void;
  onSubmit: () => void;
  onStop: () => void;
}

/** What to write on, and how. */
export function PromptForm({ settings, errors, running, children, onChange, onSubmit, onStop }: Props) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form className="card card-body stack" onSubmit={submit}>
      {children}
      <Field label="Prompt" error={errors.find(({ field }) => field === "prompt")?.message}>
        {(control) => (
          <textarea
            {...control}
            className="input mono"
            rows={5}
            placeholder="ROMEO:"
            value={settings.prompt}
            onChange={({ target }) => onChange({ prompt: target.value })}
            onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.currentTarget.form?.requestSubmit()}
          />
        )}
      </Field>
      <SamplingControls settings={settings} errors={errors} onChange={onChange} />
      <div className="row">
        <Button kind="primary" type="submit" disabled={settings.prompt === "" || running}>
          <Play size={14} aria-hidden /> {settings.prompt === "" ? "Write a prompt first" : "Generate"}
        </Button>
        {running && (
          <Button onClick={onStop}>
            <Square size={14} aria-hidden /> Stop
          </Button>
        )}
        <span className="muted playground-keys">Ctrl + Enter</span>
      </div>
    </form>
  );
}
