import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { call, path } from "@/shared/api/client";
import { keys, meQuery } from "@/shared/api/queries";
import type { Worker } from "@/shared/api/types";
import { plural } from "@/shared/format/numbers";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { ErrorBanner } from "@/shared/ui/Notice";

/** Drains a worker, after a question, or offers it to runs again. For admins. */
export function DrainButton({ worker }: { worker: Worker }) {
  const [asked, setAsked] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const client = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const act = useMutation({
    mutationFn: (drain: boolean) => call("POST", path`/api/v1/workers/${worker.name}/drain`, { body: { drain } }),
    onSuccess: () => {
      setAsked(false);
      return client.invalidateQueries({ queryKey: keys.workers });
    },
  });
  if (me?.role !== "admin") return null;
  const runs = new Set(worker.slots.flatMap(({ run_id }) => run_id ?? [])).size;
  const press = () => {
    act.reset();
    if (worker.draining) act.mutate(false);
    else setAsked(true);
  };
  return (
    <>
      <button ref={opener} className="button" type="button" disabled={act.isPending} aria-label={`${worker.draining ? "End draining" : "Drain"} ${worker.name}`} onClick={press}>
        {worker.draining ? "End draining" : "Drain"}
      </button>
      {!asked && act.isError && <ErrorBanner error={act.error} />}
      {asked && (
        <ConfirmDialog open title={`Drain ${worker.name}?`} action="Drain" busy={act.isPending} opener={opener} onConfirm={() => act.mutate(true)} onClose={() => setAsked(false)}>
          <p>
            Nothing new is placed on it, also after a restart, until draining is ended. {runs > 0 ? `${plural(runs, "run")} there ${runs === 1 ? "goes" : "go"} on to the end.` : "Nothing runs there now."}
          </p>
          {act.isError && <ErrorBanner error={act.error} />}
        </ConfirmDialog>
      )}
    </>
  );
}
