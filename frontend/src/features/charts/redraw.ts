const BUDGET_MS = 8;
/** After drawing for a while, rest for so many times as long: however many charts there are, the page stays quick. */
const REST = 8;
const LEAST_MS_BETWEEN = 250;
/** Of what somebody waits for: the history of ten runs comes one by one. */
const LEAST_MS_SOON = 50;

/** Draws what has changed, at most so often and so long per frame; the rest waits. No frame is asked for while nothing is due. */
export class RedrawQueue {
  private readonly waiting = new Map<() => void, { at: number; soon: boolean }>();
  private readonly drawn = new WeakMap<() => void, number>();
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private restUntil = 0;

  /** `draw` must stay the same function for the same chart. `soon`: somebody waits for it. */
  request(draw: () => void, soon = false): void {
    const waiting = this.waiting.get(draw);
    if (waiting && (waiting.soon || !soon)) return;
    const drawn = this.drawn.get(draw);
    this.waiting.set(draw, { at: (drawn ?? -Infinity) + (soon ? LEAST_MS_SOON : LEAST_MS_BETWEEN), soon: soon || drawn === undefined });
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

  /** What has never been drawn, or is waited for, does not wait until others have rested. */
  private dueAt(draw: () => void): number {
    const { at, soon } = this.waiting.get(draw) ?? { at: Infinity, soon: false };
    return soon ? at : Math.max(at, this.restUntil);
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
