import { Chart } from "chart.js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ChartView } from "@/features/charts/ChartView";
import { read } from "@/features/charts/address";
import { fromSeries, type CurveSource } from "@/features/charts/curve";
import { linesOf } from "@/features/charts/lines";
import { blankCanvas } from "./blankCanvas";

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => setTimeout(draw));
  vi.stubGlobal("getComputedStyle", () => ({ getPropertyValue: (name: string) => (name.startsWith("--run-") ? `#${name.slice(6).padStart(6, "0")}` : "#ffffff") }));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function sourceOf(values: number[]): CurveSource {
  const curve = fromSeries({ name: "m", attempt: 1, x: values.map((_, step) => step), min: values, max: values, mean: values, last: values, count: values.map(() => 2), nan: values.map(() => 0) });
  return { curve: () => curve, subscribe: () => () => undefined };
}

test("one canvas shows as many runs as there are, in order, and clips what lies far away", async () => {
  const sources: Record<string, CurveSource> = { a: sourceOf([3, 2, 1, 2, 3]), b: sourceOf([4, 3, 2, 3, 4, 3, 2, 3, 4, 3, 1000]), c: sourceOf([5]) };
  const runs = Object.keys(sources).map((id) => ({ id, name: id, factor: 1 }));
  const lines = (hidden: string[], pointed: string | null = null) => linesOf({ runs, hidden, pointed, unit: 1 }, (id) => sources[id] ?? sourceOf([]));
  const drawn = vi.fn<() => void>();
  const canvas = blankCanvas();
  const view = new ChartView(canvas, "m", drawn);
  const top = () => Chart.getChart(canvas)?.scales.y?.max;
  view.setVisible(true);
  const draw = async (address: string, hidden: string[], pointed: string | null = null) => {
    const before = drawn.mock.calls.length;
    view.show(read(address), lines(hidden, pointed));
    await vi.waitFor(() => expect(drawn.mock.calls.length).toBeGreaterThan(before), 2000);
    return view.overlay.drawn;
  };
  expect((await draw("", [])).map(({ line, shown }) => [line.id, shown.length])).toEqual([["a", 5], ["b", 11], ["c", 1]]);
  expect(view.range[1]).toBe(10);
  expect(top()).toBeGreaterThan(1000);
  await draw("clip=1", []);
  expect(top()).toBeLessThan(10);
  const some = await draw("smooth=0.9&clip=1&from=0&to=4", ["c"], "b");
  expect(some.map(({ line, shown }) => [line.id, line.look, shown.length])).toEqual([["a", "faded", 5], ["b", "plain", 11]]);
  expect(some[1]?.shown[1]).toBeCloseTo((0.9 * 4 + 3) / 1.9);
  expect(view.range).toEqual([0, 4]);
  expect((await draw("log=1", ["a", "b"])).map(({ line }) => line.id)).toEqual(["c"]);
  view.hover(1);
  view.destroy();
});
