import { integer, measure } from "@/shared/format/numbers";
import { curveOf, isPossible, learningRate, planOf, type Train } from "./schedule";

interface Props {
  before: Train;
  after: Train;
  /** The last step that is taken. */
  step: number;
}

const WIDTH = 480;
const HEIGHT = 140;

/** The learning rate over all steps, as it was and as it will be. */
export function SchedulePreview({ before, after, step }: Props) {
  const [was, will] = [planOf(before), planOf(after)];
  const steps = Math.max(was.steps, will.steps, 1);
  const top = Math.max(was.lr, will.lr) || 1;
  const line = (plan: typeof was, from: number) =>
    curveOf(plan)
      .filter(([at]) => at >= from)
      .map(([at, rate]) => `${((at / steps) * WIDTH).toFixed(1)},${(HEIGHT - (rate / top) * (HEIGHT - 8)).toFixed(1)}`)
      .join(" ");
  const possible = isPossible(will, step);
  const next = measure(learningRate(Math.min(step + 1, will.steps), will));
  const told = possible ? `from step ${integer(step + 1)} on ${next}` : "what is typed cannot be drawn";
  return (
    <figure className="schedule">
      <svg viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`} role="img" aria-label={`Learning rate, step 1 to ${integer(steps)}: ${told}`} preserveAspectRatio="none">
        <polyline className="schedule-before" points={line(was, 1)} />
        {possible && <polyline className="schedule-after" points={line(will, step)} />}
        <line className="schedule-now" x1={(step / steps) * WIDTH} x2={(step / steps) * WIDTH} y1={0} y2={HEIGHT} />
      </svg>
      <figcaption className="muted">
        <span className="row spread mono" aria-hidden>
          <span>step 1</span>
          <span>now {integer(step)}</span>
          <span>{integer(steps)}</span>
        </span>
        {possible
          ? `Learning rate, at most ${measure(top)}. Dashed: as it is; line: as it will be from step ${integer(step + 1)} on, where it is ${next}.`
          : "Dashed: the learning rate as it is. What is typed cannot be drawn."}
      </figcaption>
    </figure>
  );
}
