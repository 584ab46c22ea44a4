import "./new-run.css";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { Tabs } from "radix-ui";
import { useState } from "react";
import { call } from "@/shared/api/client";
import { submitCommand } from "@/shared/api/curl";
import { asProblem } from "@/shared/api/problem";
import { keys } from "@/shared/api/queries";
import type { FieldError, Run } from "@/shared/api/types";
import { randomId } from "@/shared/randomId";
import { Button } from "@/shared/ui/Button";
import { InfoBanner } from "@/shared/ui/Notice";
import { Snippet } from "@/shared/ui/Snippet";
import { SpecForm } from "./SpecForm";
import { Summary } from "./Summary";
import { YamlEditor } from "./YamlEditor";
import { toSpec, valueAt, type Draft } from "./draft";
import { FIELD_PATHS } from "./fields";
import { useValidation } from "./useValidation";
import { useWork } from "./useWork";

export type View = "form" | "yaml" | "curl";

interface Props {
  /** What to begin with instead of what was typed last. */
  initial: Draft | null;
  view: View;
  onView: (view: View) => void;
  onStarted: (run: Run) => void;
}

/** A run in the making: as a form, as YAML and as a command, always the same spec. */
export function TrainingConfiguration({ initial, view, onView, onStarted }: Props) {
  const work = useWork(initial);
  const [tried, setTried] = useState(false);
  const validation = useValidation(work.draft);
  const submit = useSubmit(work.draft, (run) => {
    work.forget();
    onStarted(run);
  });
  const missing = ["name", "dataset"].filter((path) => !valueAt(work.draft, path));
  const errors = visible(validation.data?.errors ?? [], work.draft, tried);
  const refused = submit.isError ? asProblem(submit.error).errors : [];
  const others = [...errors, ...refused].filter(({ field }) => ![...FIELD_PATHS].some((path) => field === path || field.startsWith(`${path}.`)));
  const start = () => {
    setTried(true);
    if (missing.length === 0 && work.yamlError === null) submit.mutate();
  };
  return (
    <div className="configuration">
      <Tabs.Root value={view} onValueChange={(next) => onView(next as View)} className="stack">
        <div className="row spread">
          <Tabs.List className="tabs-list" aria-label="Form of the spec">
            <Tabs.Trigger value="form">Form</Tabs.Trigger>
            <Tabs.Trigger value="yaml">YAML</Tabs.Trigger>
            <Tabs.Trigger value="curl">cURL</Tabs.Trigger>
          </Tabs.List>
          <Button kind="quiet" onClick={work.restart}>
            <RotateCcw size={14} aria-hidden /> Start over
          </Button>
        </div>
        <Tabs.Content value="form" className="stack">
          {work.yamlError !== null && <InfoBanner>The YAML cannot be read at the moment; the form shows how it last could.</InfoBanner>}
          <SpecForm draft={work.draft} errors={[...refused, ...errors]} onChange={work.setField} />
        </Tabs.Content>
        <Tabs.Content value="yaml">
          <YamlEditor text={work.yaml} problem={work.yamlError} errors={errors} onText={work.setYaml} />
        </Tabs.Content>
        <Tabs.Content value="curl" className="stack">
          <p className="muted">
            The same run over HTTP. <code>GROUNDUP_TOKEN</code> is a token of yours: <code>groundup token create</code>.
          </p>
          <Snippet text={submitCommand(toSpec(work.draft), location.origin)} label="command" />
        </Tabs.Content>
      </Tabs.Root>
      <Summary
        validation={validation}
        others={others}
        missing={missing}
        submitting={submit.isPending}
        failure={submit.isError && refused.length === 0 ? submit.error : null}
        onSubmit={start}
      />
    </div>
  );
}

function useSubmit(draft: Draft, onStarted: (run: Run) => void) {
  const client = useQueryClient();
  const [keyOf] = useState(() => new Map<string, string>());
  return useMutation({
    mutationFn: () => {
      const body = toSpec(draft);
      // A second click, or a try after a lost answer, must not start a second run.
      const text = JSON.stringify(body);
      const idempotencyKey = keyOf.get(text) ?? randomId();
      keyOf.set(text, idempotencyKey);
      return call<Run>("POST", "/api/v1/runs", { body, idempotencyKey });
    },
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: keys.runs });
      onStarted(run);
    },
  });
}

/** That something is not there yet is said when somebody tries without it. */
function visible(errors: readonly FieldError[], draft: Draft, tried: boolean): readonly FieldError[] {
  if (tried) return errors;
  return errors.filter(({ field }) => (field !== "name" && field !== "dataset") || valueAt(draft, field));
}
