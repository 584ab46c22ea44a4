import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { OctagonX, RotateCcw } from "lucide-react";
import { useState } from "react";
import { call } from "@/shared/api/client";
import { emergencyQuery, keys, meQuery } from "@/shared/api/queries";
import { plural } from "@/shared/format/numbers";
import { ago } from "@/shared/format/time";
import { Button } from "@/shared/ui/Button";
import { Dialog, DialogButtons } from "@/shared/ui/Dialog";
import { Field } from "@/shared/ui/Field";
import { ErrorBanner } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";

const WORDS = "stop everything";

/** On every page while an emergency stop stands. */
export function EmergencyBanner() {
  const { data: stop } = useQuery(emergencyQuery);
  const { data: me } = useQuery(meQuery);
  const client = useQueryClient();
  const now = useNow(10_000);
  const reopen = useMutation({
    mutationFn: () => call("DELETE", "/api/v1/emergency-stop"),
    onSuccess: () => Promise.all([keys.emergency, keys.queue].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
  if (!stop?.active) return null;
  return (
    <div className="banner emergency-banner" role="alert">
      <OctagonX size={16} aria-hidden />
      <span>
        <strong>Emergency stop</strong> by {stop.by}: {stop.reason}. {plural(stop.attempts, "attempt")} killed{stop.remaining > 0 && `, ${String(stop.remaining)} not yet known to be gone`}; nothing is started until it is reopened. Its runs are paused, their checkpoints are
        untouched.
      </span>
      {stop.since && <span className="muted">{ago(stop.since, now)}</span>}
      {me?.role === "admin" && (
        <Button disabled={reopen.isPending} onClick={() => reopen.mutate()}>
          <RotateCcw size={14} aria-hidden /> Reopen
        </Button>
      )}
      {reopen.isError && <ErrorBanner error={reopen.error} />}
    </div>
  );
}

/** For admins: ends everything, everywhere, after typing so. */
export function EmergencyButton() {
  const [opener, setOpener] = useState<HTMLElement | null>(null);
  const { data: me } = useQuery(meQuery);
  const { data: stop } = useQuery(emergencyQuery);
  if (me?.role !== "admin" || stop?.active) return null;
  return (
    <>
      <button className="button" data-kind="danger" type="button" onClick={({ currentTarget }) => setOpener(currentTarget)}>
        <OctagonX size={14} aria-hidden /> Emergency stop
      </button>
      {opener && <StopDialog opener={opener} onClose={() => setOpener(null)} />}
    </>
  );
}

function StopDialog({ opener, onClose }: { opener: HTMLElement | null; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const client = useQueryClient();
  const stop = useMutation({
    mutationFn: () => call("POST", "/api/v1/emergency-stop", { body: { reason: reason.trim() } }),
    onSuccess: () => {
      onClose();
      return client.invalidateQueries();
    },
  });
  const missing = reason.trim() === "" ? "first say why" : typed.trim().toLowerCase() === WORDS ? "" : "first type the words above";
  return (
    <Dialog title="Stop everything?" opener={opener} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!missing) stop.mutate();
        }}
      >
        <p>Every training process on every worker is killed at once, and the queue is closed. What was trained since the last checkpoints is lost; the checkpoints stay.</p>
        <Field label="Why?" hint="everybody is told">
          {(control) => <input className="input" value={reason} maxLength={500} {...control} onChange={(event) => setReason(event.target.value)} />}
        </Field>
        <Field label={`Type “${WORDS}”`}>{(control) => <input className="input" autoComplete="off" value={typed} {...control} onChange={(event) => setTyped(event.target.value)} />}</Field>
        {stop.isError && <ErrorBanner error={stop.error} />}
        <DialogButtons>
          <span className="muted" aria-live="polite">
            {missing}
          </span>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" type="submit" disabled={missing !== "" || stop.isPending}>
            Stop everything
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
