import type { Envelope } from "../api/types";

const SLACK_SECONDS = 3;
/** So long is it said, as most replays take no time. */
const SHOWN_MS = 1500;

/**
 * Tells replayed events from live ones after a reconnect. The server does not mark them, so their age tells: the usual age of a live event
 * (which holds the difference of the clocks) is remembered from before.
 */
export class Replay {
  points = 0;
  private usualAge: number | null = null;
  private lastOld = 0;
  private active = false;

  begin(nowMs: number): void {
    this.points = 0;
    this.active = this.usualAge !== null;
    this.lastOld = nowMs;
  }

  note(items: readonly Envelope[], nowMs: number): void {
    const last = items.at(-1);
    if (!last) return;
    const age = nowMs / 1000 - last.at;
    if (this.active && age > (this.usualAge ?? age) + SLACK_SECONDS) {
      this.lastOld = nowMs;
      this.points += items.filter(({ event }) => event.type === "StepCompleted").length;
      return;
    }
    this.active = false;
    this.usualAge = this.usualAge === null ? age : Math.min(age, this.usualAge + 0.1);
  }

  isOver(nowMs: number): boolean {
    return this.points === 0 || nowMs - this.lastOld > SHOWN_MS;
  }
}
