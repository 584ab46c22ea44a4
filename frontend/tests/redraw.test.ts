import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RedrawQueue } from "@/features/charts/redraw";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => setTimeout(draw, 16));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** When a chart was drawn, in milliseconds, with a request every `everyMs` for a second. */
function drawings(everyMs: number, soon: boolean): number[] {
  const queue = new RedrawQueue();
  const drawn: number[] = [];
  const began = performance.now();
  const draw = () => drawn.push(performance.now() - began);
  for (let at = 0; at < 1000; at += everyMs) {
    queue.request(draw, soon);
    vi.advanceTimersByTime(everyMs);
  }
  return drawn;
}

test("live points are drawn a few times a second, what somebody waits for soon", () => {
  const live = drawings(16, false).length;
  expect(live).toBeGreaterThanOrEqual(3);
  expect(live).toBeLessThanOrEqual(5);
  const soon = drawings(16, true).length;
  expect(soon).toBeGreaterThanOrEqual(12);
  expect(soon).toBeLessThanOrEqual(21);
});

test("what was asked for does not wait behind a live point of the same chart", () => {
  const queue = new RedrawQueue();
  const drawn: number[] = [];
  const draw = () => drawn.push(performance.now());
  queue.request(draw);
  vi.advanceTimersByTime(40);
  expect(drawn).toHaveLength(1);
  queue.request(draw);
  queue.request(draw, true);
  vi.advanceTimersByTime(80);
  expect(drawn).toHaveLength(2);
});
