import type { Run } from "@/shared/api/types";

export type Train = Run["train"];

interface Plan {
  steps: number;
  lr: number;
  schedule: Train["schedule"];
}

/** The learning rate of a step, 1 to `steps`; as `learning_rate` in `services/trainer/optimizer.py`, which a test holds it to. */
export function learningRate(step: number, { steps, lr, schedule }: Plan): number {
  const { name, warmup_steps: warmup, final_fraction: final } = schedule;
  if (step <= warmup) return (lr * step) / warmup;
  if (name === "constant") return lr;
  const done = (step - warmup) / Math.max(1, steps - warmup);
  const share = (1 + Math.cos(Math.PI * done)) / 2;
  return lr * (final + (1 - final) * share);
}

/** What is no number yet, while it is typed, counts as 0. */
export function planOf({ steps, optimizer, schedule }: Train): Plan {
  const number = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
  const { name, warmup_steps: warmup, final_fraction: final } = schedule;
  return { steps: number(steps), lr: number(optimizer.lr), schedule: { name, warmup_steps: number(warmup), final_fraction: number(final) } };
}

/** Whether there is a curve to draw: what is typed may be half a number, or one that is refused. */
export function isPossible({ steps, lr, schedule }: Plan, reached: number): boolean {
  return lr > 0 && steps >= Math.max(reached, 1) && schedule.warmup_steps >= 0 && schedule.final_fraction >= 0 && schedule.final_fraction <= 1;
}

/** At most so many points of the whole schedule: (step, learning rate). */
export function curveOf(plan: Plan, points = 200): [number, number][] {
  const every = Math.max(1, plan.steps / points);
  const steps = Array.from({ length: Math.min(points, plan.steps) }, (_, index) => Math.max(1, Math.round((index + 1) * every)));
  return [1, ...steps.filter((step) => step > 1)].map((step) => [step, learningRate(step, plan)]);
}
