import "./new-run.css";
import { useState } from "react";
import type { Run } from "@/shared/api/types";
import { useFirstInvalid } from "@/shared/useFirstInvalid";
import { SpecTabs } from "./SpecTabs";
import { Summary } from "./Summary";
import { complaintsOf, missingIn, untoldIn, type View } from "./complaints";
import { alertsIn, type Draft } from "./draft";
import { useSubmit } from "./useSubmit";
import { useValidation } from "./useValidation";
import { useWork } from "./useWork";

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
  const { container, point } = useFirstInvalid<HTMLDivElement>();
  const validation = useValidation(work.draft);
  const ended = (run: Run) => {
    work.forget();
    onStarted(run);
  };
  const submit = useSubmit(work.draft, { onStarted: ended, onRefused: point });
  const missing = missingIn(work.draft);
  const refused = submit.problem?.errors ?? [];
  const complaints = complaintsOf({ draft: work.draft, found: validation.query.data?.errors ?? [], refused, tried });
  const start = async () => {
    setTried(true);
    if (work.yamlError !== null) onView("yaml");
    else if (missing.length === 0 && !(await validation.isWrong())) return submit.start();
    point();
  };
  return (
    <div className="configuration" ref={container}>
      <SpecTabs work={work} complaints={complaints} view={view} onView={onView} />
      <Summary
        validation={validation.query}
        others={untoldIn(view, complaints)}
        missing={missing}
        unread={work.yamlError !== null}
        submitting={submit.isPending}
        alerts={alertsIn(work.draft)}
        failure={submit.problem && refused.length === 0 ? submit.problem : null}
        onSubmit={() => void start()}
      />
    </div>
  );
}
