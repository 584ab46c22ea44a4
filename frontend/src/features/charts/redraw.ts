const BUDGET_MS = 8;
/** After drawing for a while, rest for so many times as long: however many charts there are, the page stays quick. */
const REST = 4;
const LEAST_MS_BETWEEN = 250;

/** Draws what has changed, at most so often and so long per frame; the rest waits for the next frame. */
class RedrawQueue {
  private readonly waiting = new Map<() => void, number>();
  private readonly drawn = new WeakMap<() => void, number>();
  private frame = 0;
  private restUntil = 0;

  /** `draw` must stay the same function for the same chart. */
  request(draw: () => void): void {
    if (!this.waiting.has(draw)) this.waiting.set(draw, (this.drawn.get(draw) ?? -Infinity) + LEAST_MS_BETWEEN);
    this.frame ||= requestAnimationFrame(this.run);
  }

  cancel(draw: () => void): void {
    this.waiting.delete(draw);
  }

  private readonly run = (): void => {
    const began = performance.now();
    const resting = began < this.restUntil;
    for (const [draw, due] of this.waiting) {
      const now = performance.now();
      if (now - began > BUDGET_MS) break;
      // What has never been drawn does not wait.
      if (due > now || (resting && due > 0)) continue;
      this.waiting.delete(draw);
      this.drawn.set(draw, now);
      draw();
    }
    if (!resting) this.restUntil = began + (1 + REST) * (performance.now() - began);
    this.frame = this.waiting.size > 0 ? requestAnimationFrame(this.run) : 0;
  };
}

export const redraws = new RedrawQueue();
