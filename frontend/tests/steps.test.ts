import { expect, test } from "vitest";
import { MetricStore } from "@/features/charts/MetricStore";
import { isBehind, type Question, type Reached } from "@/features/charts/question";
import type { Series } from "@/shared/api/types";

const BUCKETS = 60;
const NAME = "train/loss";

/** Numbers from 0 to below 1 that are the same every time (a linear congruential generator). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

/** A run whose history is written later than its events are heard. The value of a step is the number of the attempt that took it. */
class Training {
  attempt = 1;
  step = 0;
  private readonly taken: { attempt: number; step: number }[] = [];
  private written = 0;

  constructor(private readonly store: MetricStore) {}

  goOn(steps: number, heard = true): void {
    for (let left = steps; left > 0; left -= 1) {
      this.step += 1;
      this.taken.push({ attempt: this.attempt, step: this.step });
      if (heard) this.tell(this.attempt, this.step);
    }
  }

  /** Somebody looks again who has not heard everything: history is asked, and what it has not yet is told again. */
  lookAgain(): void {
    this.store.forget();
    for (const { attempt, step } of this.taken.slice(this.written)) this.tell(attempt, step);
  }

  private tell(attempt: number, step: number): void {
    this.store.add({ evaluation: false, attempt, step, tokens: step * 10, metrics: { [NAME]: attempt } });
  }

  resumeBehind(step: number): void {
    this.attempt += 1;
    this.step = step;
  }

  write(part: number): void {
    this.written += Math.ceil((this.taken.length - this.written) * part);
  }

  /** The attempt of each step, as far as it is written. */
  winners(upTo = this.written): Map<number, number> {
    const found = new Map<number, number>();
    for (const { attempt, step } of this.taken.slice(0, upTo)) {
      for (let later = step; found.has(later) && found.get(later) !== attempt; later += 1) found.delete(later);
      found.set(step, attempt);
    }
    return found;
  }

  all(): Map<number, number> {
    return this.winners(this.taken.length);
  }

  /** What the monitor answers: buckets of equal width. */
  answer(from: number, to: number): { series: Series[]; reached: Reached } {
    const points = [...this.winners()].filter(([step]) => step >= from && step <= to).sort(([a], [b]) => a - b);
    const [first = 0, last = 0] = [points[0]?.[0], points.at(-1)?.[0]];
    const width = Math.max(1, (last - first + 1) / BUCKETS);
    const groups = Map.groupBy(points, ([step]) => Math.floor((step - first) / width));
    const columns = [...groups.values()].map((group) => {
      const values = group.map(([, attempt]) => attempt);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { x: group[0]?.[0] ?? 0, min: Math.min(...values), max: Math.max(...values), mean, last: values.at(-1) ?? 0, count: values.length };
    });
    const column = (name: "x" | "min" | "max" | "mean" | "last" | "count") => columns.map((one) => one[name]);
    const series = { name: NAME, attempt: 1, x: column("x"), min: column("min"), max: column("max"), mean: column("mean"), last: column("last"), count: column("count"), nan: columns.map(() => 0) };
    return { series: points.length > 0 ? [series] : [], reached: this.taken[this.written - 1] ?? null };
  }
}

/** What useHistory does: asks anew when the store wants it or was not served, and takes an answer only while it is wanted. */
class Reader {
  private settled = -1;
  private asked: { question: Question; wanted: number; from: number; answer: ReturnType<Training["answer"]> } | null = null;

  constructor(
    private readonly store: MetricStore,
    private readonly training: Training,
  ) {}

  ask(from = 0, to?: number): void {
    const question = this.store.ask("step", to);
    const answer = this.training.answer(from, question.to ?? Infinity);
    this.asked = { question, wanted: this.store.wanted.get(), from, answer };
  }

  /** Returns whether it is to ask again. */
  take(): boolean {
    if (!this.asked) return true;
    const { question, wanted, answer } = this.asked;
    this.asked = null;
    if (wanted !== this.store.wanted.get()) return true;
    this.store.setHistory(question, answer.series, answer.reached);
    return isBehind(question, answer.reached) || wanted !== this.store.wanted.get();
  }

  /** As long as it is told to. */
  settle(): void {
    if (this.settled === this.store.wanted.get()) return;
    for (let round = 0; round < 5; round += 1) {
      this.ask();
      this.settled = this.store.wanted.get();
      if (!this.take()) return;
    }
    throw new Error("it asks again and again");
  }
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))("whatever happens, every step is counted once, as its last attempt took it (%i)", (seed) => {
  const random = randomFrom(seed);
  const store = new MetricStore();
  const training = new Training(store);
  const reader = new Reader(store, training);
  for (let turn = 0; turn < 60; turn += 1) {
    const what = random();
    if (what < 0.45) training.goOn(Math.ceil(random() * 300));
    else if (what < 0.6) training.write(random());
    else if (what < 0.67) training.resumeBehind(Math.floor(training.step * (0.5 + random() / 2)));
    else if (what < 0.75) reader.ask(random() * training.step, training.step * (0.5 + random()));
    else if (what < 0.85) reader.ask();
    else if (what < 0.9) {
      training.goOn(Math.ceil(random() * 300), false);
      training.lookAgain();
    } else reader.take();
  }
  training.goOn(1);
  for (let restarts = 0; restarts < 4; restarts += 1) {
    training.write(1);
    reader.settle();
    training.goOn(Math.ceil(random() * 1000));
    training.resumeBehind(Math.floor(training.step * (0.8 + random() / 5)));
    training.goOn(Math.ceil(random() * 300));
  }
  training.write(1);
  reader.settle();
  const curve = store.curve(NAME, "step");
  const winners = training.all();
  expect(curve.x).toEqual([...new Set(curve.x)].sort((a, b) => a - b));
  expect(curve.count.reduce((sum, count) => sum + count, 0)).toBe(winners.size);
  const total = curve.mean.reduce((sum, mean, index) => sum + mean * (curve.count[index] ?? 0), 0);
  expect(total).toBeCloseTo([...winners.values()].reduce((sum, attempt) => sum + attempt, 0), 4);
});
