import { expect, test } from "vitest";
import { moved, pinched, sensible } from "@/features/charts/zoom";
import { goesBack } from "@/features/logs/following";
import { Pointers } from "@/shared/Pointers";
import { zoomed, type Span } from "@/shared/span";

test("what is under the pointer stays there, and turns add up", () => {
  expect(zoomed([0, 100], 0.25, 0.5)).toEqual([12.5, 62.5]);
  const turns = Array.from({ length: 5 }).reduce<Span>((span) => zoomed(span, 0.25, 0.8), [0, 100]);
  expect(turns[0] + 0.25 * (turns[1] - turns[0])).toBeCloseTo(25);
  expect(turns[1] - turns[0]).toBeCloseTo(100 * 0.8 ** 5);
  expect(zoomed(zoomed([0, 100], 0.5, 0.5), 0.5, 2)).toEqual([0, 100]);
});

test("moving keeps the width and ends at the beginning", () => {
  expect(moved([40, 60], 0.2)).toEqual([44, 64]);
  expect(moved([2, 22], -0.2)).toEqual([0, 20]);
});

test("what two fingers hold stays under them", () => {
  const [low, high] = pinched([0, 100], [0.4, 0.6], [0.2, 0.9]);
  expect(low + 0.2 * (high - low)).toBeCloseTo(40);
  expect(low + 0.9 * (high - low)).toBeCloseTo(60);
  expect(pinched([0, 100], [0.4, 0.6], [0.4, 0.6])[1]).toBeCloseTo(100);
});

test("a span keeps a width that can be looked at, from zero on", () => {
  expect(sensible([-5, 100], "step")).toEqual([0, 100]);
  expect(sensible([50, 50.1], "step")).toEqual([50, 54]);
  expect(sensible([3, 3.5], "time")).toEqual([3, 3.5]);
});

function pointers() {
  const told: [string, ...unknown[]][] = [];
  const tell = (name: string) => (range: readonly number[] | null) => void told.push([name, range]);
  return { told, on: new Pointers({ select: tell("select"), pick: tell("pick"), hold: tell("hold"), pinch: tell("pinch"), click: (x) => void told.push(["click", [x]]) }) };
}

test("one pointer picks a range, whichever way it is dragged", () => {
  const { told, on } = pointers();
  on.down(1, 80);
  on.move(1, 40);
  on.up(1, 30);
  expect(told).toEqual([["select", [80, 40]], ["select", null], ["pick", [30, 80]]]);
});

test("a click, a move without a press and a scroll pick nothing", () => {
  const { told, on } = pointers();
  on.move(1, 10);
  on.down(1, 10);
  on.up(1, 13);
  on.down(2, 10);
  on.cancel(2);
  on.up(2, 90);
  expect(told.filter(([name]) => name === "pick")).toEqual([]);
  expect(told.filter(([name]) => name === "click"), "down and up at one place").toEqual([["click", [13]]]);
});

test("two fingers pinch, and lifting them picks nothing", () => {
  const { told, on } = pointers();
  on.down(1, 60);
  on.down(2, 40);
  on.move(2, 20);
  on.up(1, 60);
  on.move(2, 90);
  on.up(2, 90);
  expect(told.filter(([, range]) => range !== null)).toEqual([["hold", [40, 60]], ["pinch", [20, 60]]]);
});

test("following ends when somebody scrolls back, not when lines come or go", () => {
  const end = { scrollTop: 800, scrollHeight: 1000, clientHeight: 200 };
  expect(goesBack(end, { ...end, scrollTop: 700 }), "scrolled back").toBe(true);
  expect(goesBack(end, { ...end, scrollHeight: 1400 }), "new lines have come").toBe(false);
  expect(goesBack(end, { ...end, scrollTop: 1200, scrollHeight: 1400 }), "followed").toBe(false);
  expect(goesBack(end, { ...end, scrollTop: 100, scrollHeight: 300 }), "fewer lines match").toBe(false);
});
