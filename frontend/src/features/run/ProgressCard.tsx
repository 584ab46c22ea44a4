import { hasEnded, isActive } from "@/shared/api/queries";
import type { Progress, Run } from "@/shared/api/types";
import { integer, loss, measure, percent, short } from "@/shared/format/numbers";
import { ago, duration, exactTime, secondsBetween } from "@/shared/format/time";
import { useStore, type Store } from "@/shared/store";
import { ProgressBar } from "@/shared/ui/ProgressBar";
import { toneOf } from "@/shared/ui/RunStateBadge";
import { useNow } from "@/shared/useNow";

interface Props {
  run: Run;
  /** The newest step that came live, newer than the run's record. */
  news: Store<Partial<Progress> | null>;
}

/** Where the run is: the loss in large, the bar, and what remains. */
export function ProgressCard({ run, news }: Props) {
  const progress = latest(run, useStore(news));
  const now = useNow();
  const share = progress.step / progress.steps;
  const attempt = run.attempts.at(-1);
  return (
    <section className="card card-body progress-card" aria-label="Progress">
      <div>
        <p className="muted">Loss</p>
        <p className="big-number">{loss(progress.loss)}</p>
        <p className="muted">{summaryLine(run)}</p>
      </div>
      <div className="stack progress-main">
        <div className="row spread">
          <strong>
            {integer(progress.step)} <span className="muted">/ {integer(progress.steps)} steps</span>
          </strong>
          <span>{percent(share)}</span>
        </div>
        <ProgressBar share={share} tone={toneOf(run.state)} label="Progress" />
        <dl className="facts">
          <Fact name="Tokens" value={short(progress.tokens)} />
          <Fact name="Tokens/s" value={isActive(run) ? short(progress.tokens_per_second) : "–"} />
          <Fact name="Remaining" value={hasEnded(run) ? "–" : duration(progress.eta_seconds)} />
          <Fact name="Duration" value={duration(secondsBetween(run.started_at, run.ended_at, now))} />
          <Fact name="Worker" value={attempt ? attempt.worker : "–"} />
          <Fact name="Attempt" value={attempt ? String(attempt.attempt) : "–"} />
          <Fact name={run.started_at ? "Started" : "Submitted"} value={ago(run.started_at ?? run.created_at, now)} title={exactTime(run.started_at ?? run.created_at)} />
        </dl>
      </div>
    </section>
  );
}

function Fact({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function summaryLine({ summary }: Run): string {
  const [name, value] = Object.entries(summary).find(([key]) => key === "val/loss") ?? [];
  return name === undefined ? "of the newest step" : `${name} ${measure(value)}`;
}

/** The record lags behind the live events by a heartbeat; a restart puts it back. */
function latest(run: Run, news: Partial<Progress> | null): Progress {
  const { progress: recorded } = run;
  if (!isActive(run) || !news || (news.step ?? 0) < recorded.step) return recorded;
  const merged = { ...recorded, ...news };
  const { step, steps, tokens, tokens_per_second: speed } = merged;
  if (step === 0 || !speed) return merged;
  return { ...merged, eta_seconds: ((steps - step) * (tokens / step)) / speed };
}
