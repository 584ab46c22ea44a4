import type { UseQueryResult } from "@tanstack/react-query";
import { Rocket, TriangleAlert } from "lucide-react";
import type { Estimate, FieldError, Validation } from "@/shared/api/types";
import { bytes, short } from "@/shared/format/numbers";
import { duration } from "@/shared/format/time";
import { Button } from "@/shared/ui/Button";
import { Facts } from "@/shared/ui/Facts";
import { ErrorBanner } from "@/shared/ui/Notice";
import { Complaints } from "./Complaints";

interface Props {
  validation: UseQueryResult<Validation>;
  /** Complaints that are told nowhere else. */
  others: readonly FieldError[];
  missing: readonly string[];
  /** There is YAML that cannot be read. */
  unread: boolean;
  submitting: boolean;
  failure: unknown;
  /** What of the section `alerts` is not as usual. */
  alerts: string;
  onSubmit: () => void;
}

/** What the run will be, always in sight, and the button that says what it still needs. */
export function Summary({ validation, others, missing, unread, submitting, failure, alerts, onSubmit }: Props) {
  const estimate = validation.data?.estimate;
  const wrong = validation.data?.errors.length ?? 0;
  return (
    <aside className="card estimate" aria-label="Estimate">
      <div className="card-head">
        <h2>Estimate</h2>
        <span className="muted" role="status">
          {validation.isFetching ? "checking…" : validation.data?.valid ? "all good" : ""}
        </span>
      </div>
      <div className="card-body stack">
        {estimate ? <EstimateFacts estimate={estimate} /> : <p className="muted">Shown as soon as the spec is complete.</p>}
        {alerts && <p className="muted">Alerts: {alerts}</p>}
        <Complaints items={others} />
        <Warnings items={validation.data?.warnings ?? []} />
        {validation.isError && <ErrorBanner error={validation.error} />}
        {failure !== null && <ErrorBanner error={failure} />}
        <Button kind="primary" disabled={submitting} onClick={onSubmit}>
          <Rocket size={14} aria-hidden /> {submitting ? "Submitting…" : unread ? "Mend the YAML first" : buttonText(missing, wrong)}
        </Button>
      </div>
    </aside>
  );
}

/** What does not keep the run from starting. */
function Warnings({ items }: { items: readonly FieldError[] }) {
  return items.map(({ field, message }) => (
    <p key={`${field} ${message}`} className="warning">
      <TriangleAlert size={14} aria-hidden />
      <span>
        <strong>Warning</strong> <code>{field}</code> {message}
      </span>
    </p>
  ));
}

function buttonText(missing: readonly string[], wrong: number): string {
  if (missing.length > 0) return `Give a ${missing.join(" and a ")} first`;
  return wrong > 0 ? `Mend ${wrong === 1 ? "one field" : `${String(wrong)} fields`} first` : "Start run";
}

function EstimateFacts({ estimate }: { estimate: Estimate }) {
  const rows: [string, string][] = [
    ["Parameters", short(estimate.parameters)],
    ["Tokens", short(estimate.tokens)],
    ["Tokens per parameter", short(estimate.tokens / estimate.parameters)],
    ["FLOPs", short(estimate.flops)],
    ["Memory per device", bytes(estimate.memory_bytes_per_device)],
    ["One checkpoint", bytes(estimate.checkpoint_bytes)],
  ];
  if (estimate.duration_seconds !== null) rows.push(["Duration", duration(estimate.duration_seconds)]);
  if (estimate.cost_usd !== null) rows.push(["Cost", `$${estimate.cost_usd.toFixed(2)}`]);
  return (
    <Facts facts={rows} className="estimate-facts" />
  );
}
