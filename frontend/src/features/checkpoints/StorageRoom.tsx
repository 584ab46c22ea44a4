import "./room.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { CheckpointUsage } from "@/shared/api/types";
import { bytes, percent, plural } from "@/shared/format/numbers";
import { ErrorBanner } from "@/shared/ui/Notice";
import { ProgressBar } from "@/shared/ui/ProgressBar";
import { ToldBadge } from "./ToldBadge";
import { LEVELS } from "./levels";
import { usageQuery } from "./queries";

/** How much room the checkpoints take, and have left. */
export function StorageRoom() {
  const { data, error } = useQuery(usageQuery);
  if (data === undefined) return error && <ErrorBanner error={error} />;
  const { level, message, pinned_bytes, expiring_bytes } = data;
  const limit = limitOf(data);
  const parts = [pinned_bytes > 0 && `${bytes(pinned_bytes)} pinned`, expiring_bytes > 0 && `${bytes(expiring_bytes)} expire by themselves`];
  const tone = LEVELS[level].tone;
  return (
    <section className="card card-body room" aria-label="Room for checkpoints">
      <div className="row spread">
        <span className="row">
          <ToldBadge told={{ ...LEVELS[level], about: message }} />
          <span>
            <strong>{bytes(data.bytes)}</strong> in {plural(data.count, "checkpoint")}
            {limit && `, ${limit.text}`}
          </span>
        </span>
        <span className="muted">{parts.filter(Boolean).join(" · ")}</span>
      </div>
      {limit && <ProgressBar share={limit.share} tone={level === "ok" ? "info" : tone} label={`Room for checkpoints: ${percent(limit.share)} used`} />}
      {level !== "ok" && (
        <p role="status" className="room-message">
          {message}.
        </p>
      )}
      {data.by_run.length > 1 && <Largest usage={data} />}
    </section>
  );
}

function Largest({ usage }: { usage: CheckpointUsage }) {
  return (
    <details>
      <summary className="muted">Largest runs</summary>
      <ul className="room-runs">
        {usage.by_run.map(({ run_id, run_name, count, bytes: taken }) => (
          <li key={run_id}>
            <Link to="/checkpoints" search={{ run: run_id }}>
              {run_name}
            </Link>
            <span className="muted">
              {bytes(taken)} in {plural(count, "checkpoint")}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The nearer one of quota and disk; null where nothing limits them. */
function limitOf({ bytes: used, quota_bytes: quota, disk_free_bytes: free }: CheckpointUsage): { text: string; share: number } | null {
  const ofQuota = quota === null ? Infinity : Math.max(0, quota - used);
  const left = Math.min(ofQuota, free ?? Infinity);
  if (left === Infinity) return null;
  const share = used + left > 0 ? used / (used + left) : 1;
  const text = quota !== null && left === ofQuota ? `${percent(used / Math.max(quota, 1))} of the quota of ${bytes(quota)}` : `${bytes(left)} free on the disk`;
  return { text, share };
}
