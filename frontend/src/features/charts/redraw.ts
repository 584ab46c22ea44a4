const BUDGET_MS = 8;
/** After drawing for a while, rest for so many times as long: however many charts there are, the page stays quick. */
const REST = 8;
const LEAST_MS_BETWEEN = 250;

/** Draws what has changed, at most so often and so long per frame; the rest waits. No frame is asked for while nothing is due. */
class RedrawQueue {
  private readonly waiting = new Map<() => void, number>();
  private readonly drawn = new WeakMap<() => void, number>();
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private restUntil = 0;

  /** `draw` must stay the same function for the same chart. */
  request(draw: () => void): void {
    if (this.waiting.has(draw)) return;
    this.waiting.set(draw, (this.drawn.get(draw) ?? -Infinity) + LEAST_MS_BETWEEN);
    this.plan(performance.now());
  }

  cancel(draw: () => void): void {
    this.waiting.delete(draw);
  }

  private readonly run = (): void => {
    const began = performance.now();
    this.frame = 0;
    for (const draw of [...this.waiting.keys()]) {
      const now = performance.now();
      if (now - began > BUDGET_MS) break;
      if (this.dueAt(draw) > now) continue;
      this.waiting.delete(draw);
      this.drawn.set(draw, now);
      draw();
    }
    const now = performance.now();
    this.restUntil = Math.max(this.restUntil, now + REST * (now - began));
    this.plan(now);
  };

  /** What has never been drawn does not wait. */
  private dueAt(draw: () => void): number {
    const due = this.waiting.get(draw) ?? Infinity;
    return due > 0 ? Math.max(due, this.restUntil) : due;
  }

  private plan(now: number): void {
    if (this.frame !== 0) return;
    clearTimeout(this.timer);
    const next = Math.min(...[...this.waiting.keys()].map((draw) => this.dueAt(draw)));
    if (next <= now) this.frame = requestAnimationFrame(this.run);
    else if (next < Infinity) this.timer = setTimeout(() => (this.frame ||= requestAnimationFrame(this.run)), next - now);
  }
}

export const redraws = new RedrawQueue();
