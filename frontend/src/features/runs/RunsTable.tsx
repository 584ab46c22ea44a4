import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Eye, EyeOff } from "lucide-react";
import { useMemo, type CSSProperties } from "react";
import { alertsQuery, isActive } from "@/shared/api/queries";
import type { Alert, Run } from "@/shared/api/types";
import { integer, loss, percent, short } from "@/shared/format/numbers";
import { ago, duration, exactTime } from "@/shared/format/time";
import { withChosen, withHidden, MOST_RUNS, type Choice } from "@/shared/choice";
import { runColour, runLooks } from "@/shared/runColour";
import { AlertCount } from "@/shared/ui/AlertCount";
import { IconButton } from "@/shared/ui/Button";
import { ProgressBar } from "@/shared/ui/ProgressBar";
import { RunStateBadge, toneOf } from "@/shared/ui/RunStateBadge";
import { useNow } from "@/shared/useNow";

interface Choosing {
  choice: Choice;
  onChoose: (choice: Choice) => void;
}

export function RunsTable({ runs, choice, onChoose }: Choosing & { runs: readonly Run[] }) {
  const now = useNow(10_000);
  const { data: open } = useQuery(alertsQuery());
  const looks = useMemo(() => runLooks(choice.runs), [choice.runs]);
  return (
    <div className="table-scroll">
      <table className="table runs-table">
        <thead>
          <tr>
            <td className="choose" />
            <th scope="col">State</th>
            <th scope="col">Name</th>
            <th scope="col">Progress</th>
            <th scope="col" className="number">Loss</th>
            <th scope="col" className="number wide">Tok/s</th>
            <th scope="col" className="number">ETA</th>
            <th scope="col" className="wide">Worker</th>
            <th scope="col" className="wide">By</th>
            <th scope="col" className="number">Started</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Row
              key={run.id}
              run={run}
              now={now}
              alerts={open?.items.filter(({ run_id }) => run_id === run.id) ?? []}
              colour={looks.get(run.id)?.colour ?? runColour(run.id)}
              choice={choice}
              onChoose={onChoose}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps extends Choosing {
  run: Run;
  now: number;
  alerts: readonly Alert[];
  colour: string;
}

function Row({ run, now, alerts, ...choosing }: RowProps) {
  const { progress } = run;
  const began = run.started_at ?? run.created_at;
  return (
    <tr>
      <td className="choose">
        <Choose run={run} {...choosing} />
      </td>
      <td className="run-state">
        <RunStateBadge state={run.state} />
      </td>
      <td className="run-name">
        <Link to="/runs/$runId/$tab" params={{ runId: run.id, tab: "charts" }}>
          {run.name}
        </Link>
        <AlertCount alerts={alerts} run={run.name} />
        {run.project !== "default" && <span className="muted"> {run.project}</span>}
        {reasonShown(run) && <p className="muted reason">{run.reason}</p>}
      </td>
      <td className="run-progress">
        <ProgressBar share={progress.step / progress.steps} tone={toneOf(run.state)} label={`Progress of ${run.name}`} />
        <span className="muted">
          {integer(progress.step)} / {integer(progress.steps)} <span className="wide">· {percent(progress.step / progress.steps)}</span>
        </span>
      </td>
      <td className="number">{loss(progress.loss)}</td>
      <td className="number wide">{isActive(run) ? short(progress.tokens_per_second) : "–"}</td>
      <td className="number eta">{duration(progress.eta_seconds)}</td>
      <td className="wide mono">{run.attempts.at(-1)?.worker ?? "–"}</td>
      <td className="wide">{run.created_by}</td>
      <td className="number muted started" title={exactTime(began)}>
        {ago(began, now)}
      </td>
    </tr>
  );
}

/** A box in the run's colour, and beside it, once it is chosen, the eye. */
function Choose({ run: { id, name }, colour, choice, onChoose }: Omit<RowProps, "now" | "alerts">) {
  const chosen = choice.runs.includes(id);
  const hidden = choice.hidden.includes(id);
  const full = !chosen && choice.runs.length >= MOST_RUNS;
  const Icon = hidden ? EyeOff : Eye;
  return (
    <span className="row">
      <input
        type="checkbox"
        className="run-box"
        style={{ "--run": colour } as CSSProperties}
        aria-label={`Choose ${name}`}
        title={full ? `${String(MOST_RUNS)} runs are chosen; no more can be compared at once` : undefined}
        disabled={full}
        checked={chosen}
        onChange={({ target }) => onChoose(withChosen(choice, id, target.checked))}
      />
      {chosen && (
        <IconButton label={`${hidden ? "Show" : "Hide"} ${name} in the comparison`} aria-pressed={!hidden} onClick={() => onChoose(withHidden(choice, id, !hidden))}>
          <Icon size={14} aria-hidden />
        </IconButton>
      )}
    </span>
  );
}

/** Why it waits, or why it failed; that it ended as it should needs no reason. */
function reasonShown(run: Run): boolean {
  return run.reason !== "" && run.state !== "succeeded" && run.state !== "running";
}
