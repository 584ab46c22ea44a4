import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/shared/api/client";
import { asProblem } from "@/shared/api/problem";
import { keys } from "@/shared/api/queries";
import type { Run } from "@/shared/api/types";
import { randomId } from "@/shared/randomId";
import { toSpec, type Draft } from "./draft";

interface Ends {
  onStarted: (run: Run) => void;
  onRefused: () => void;
}

/** Starts the run. `problem` is why the draft, as it is now, was refused: a change of it may have mended that. */
export function useSubmit(draft: Draft, { onStarted, onRefused }: Ends) {
  const client = useQueryClient();
  const [keyOf] = useState(() => new Map<string, string>());
  const submit = useMutation({
    mutationFn: (given: Draft) => {
      const body = toSpec(given);
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
  const problem = submit.isError && submit.variables === draft ? asProblem(submit.error) : null;
  return { problem, isPending: submit.isPending, start: () => submit.mutate(draft, { onError: onRefused }) };
}
