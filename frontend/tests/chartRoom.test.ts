import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createChart, setScales } from "@/features/charts/chartSetup";
import { blankCanvas } from "./blankCanvas";

beforeEach(() => {
  vi.stubGlobal("getComputedStyle", () => ({ getPropertyValue: () => "#ffffff" }));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** The vertical axis of a chart with these values: where it ends, and its ticks. */
function axisOf(values: readonly number[], { log = false, ...limits }: { log?: boolean; min?: number; max?: number } = {}) {
  const chart = createChart(blankCanvas(), []);
  setScales(chart, { axis: "step", log, from: undefined, to: undefined });
  Object.assign(chart.options.scales?.y ?? {}, limits);
  chart.data.datasets.push({ data: values.map((y, x) => ({ x, y })) });
  chart.update("none");
  const { y } = chart.scales;
  const found = { ends: [y?.min ?? NaN, y?.max ?? NaN].map((end) => Number(end.toPrecision(6))), ticks: y?.ticks.map(({ value }) => value) };
  chart.destroy();
  return found;
}

describe("room above and below the data", () => {
  it("never goes below 0 for what is not negative, and no further up than it has to", () => {
    expect(axisOf([0, 1])).toEqual({ ends: [0, 1.02], ticks: [0, 0.5, 1] });
    expect(axisOf([1, 101])).toEqual({ ends: [0, 103], ticks: [0, 50, 100] });
    expect(axisOf([50, 150])).toEqual({ ends: [48, 152], ticks: [50, 100, 150] });
  });
  it("of what is always 0 the axis begins there", () => {
    expect(axisOf([0, 0, 0])).toMatchObject({ ends: [0, 1.04], ticks: [0, 0.5, 1] });
    expect(axisOf([3, 3]).ends).toEqual([2.844, 3.156]);
    expect(axisOf([-2, -2]).ends[1]).toBeLessThan(0);
  });
  it("is there below what is negative", () => {
    expect(axisOf([-1, 99]).ends).toEqual([-3, 101]);
  });
  it("is not added to limits that were asked for, nor to logarithms", () => {
    expect(axisOf([0, 9], { min: 0.5, max: 1.5 }).ends).toEqual([0.5, 1.5]);
    expect(axisOf([1, 1000], { log: true }).ends).toEqual([1, 1000]);
  });
  it("leaves at least two ticks, which are round", () => {
    expect(axisOf([0.62, 1.41]).ticks).toEqual([0.75, 1, 1.25]);
    expect(axisOf([2.31, 2.34]).ticks).toEqual([2.31, 2.32, 2.33, 2.34]);
    expect(axisOf([-0.3, 0.31]).ticks).toEqual([-0.2, 0, 0.2]);
  });
});
