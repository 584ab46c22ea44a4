import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CirclePause, CirclePlay } from "lucide-react";
import { useRef, useState, type RefObject } from "react";
import { call } from "@/shared/api/client";
import { keys, meQuery } from "@/shared/api/queries";
import type { Queue } from "@/shared/api/types";
import { ago } from "@/shared/format/time";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { ErrorBanner } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";

type Pause = NonNullable<Queue["pause"]>;

/** Above a queue that is paused: by whom, why, since when, and the way out. */
export function PausedBanner({ pause }: { pause: Pause }) {
  const client = useQueryClient();
  const now = useNow(10_000);
  const { data: me } = useQuery(meQuery);
  const resume = useMutation({
    mutationFn: () => call("DELETE", "/api/v1/queue/pause"),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.queue }),
  });
  return (
    <>
      <div className="banner" data-tone="info" role="status">
        <CirclePause size={16} aria-hidden />
        <span>
          The queue is paused by {pause.by}
          {pause.reason && `: ${pause.reason}`}. What runs goes on; nothing new is started.
        </span>
        <span className="muted">{ago(pause.since, now)}</span>
        {me?.role === "admin" && (
          <Button disabled={resume.isPending} onClick={() => resume.mutate()}>
            <CirclePlay size={14} aria-hidden /> Resume
          </Button>
        )}
      </div>
      {resume.isError && <ErrorBanner error={resume.error} />}
    </>
  );
}

/** For admins, while the queue is open. */
export function PauseButton() {
  const [asked, setAsked] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const { data: me } = useQuery(meQuery);
  if (me?.role !== "admin") return null;
  return (
    <>
      <button ref={opener} className="button" type="button" onClick={() => setAsked(true)}>
        <CirclePause size={14} aria-hidden /> Pause the queue
      </button>
      {asked && <PauseDialog opener={opener} onClose={() => setAsked(false)} />}
    </>
  );
}

function PauseDialog({ opener, onClose }: { opener: RefObject<HTMLElement | null>; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const client = useQueryClient();
  const pause = useMutation({
    mutationFn: () => call("POST", "/api/v1/queue/pause", { body: { reason: reason.trim() } }),
    onSuccess: () => {
      onClose();
      return client.invalidateQueries({ queryKey: keys.queue });
    },
  });
  return (
    <ConfirmDialog open title="Pause the queue?" action="Pause the queue" busy={pause.isPending} opener={opener} onConfirm={() => pause.mutate()} onClose={onClose}>
      <p>Nothing new is started until it is resumed. Runs that train go on to their end.</p>
      <label className="field">
        <span>Why? Every waiting run shows it.</span>
        <input className="input" value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </label>
      {pause.isError && <ErrorBanner error={pause.error} />}
    </ConfirmDialog>
  );
}
