import { expect, test } from "vitest";
import type { Drawn } from "@/features/charts/ChartView";
import { read, searchOf, wishesOf, written } from "@/features/charts/address";
import { bucketAt, emptyBuckets, extremes, fromSeries, stretched, within, type Buckets } from "@/features/charts/curve";
import { describe, readingsAt, unplaced } from "@/features/charts/describe";
import { grouped, isBetterHigh, matching } from "@/features/charts/groups";
import { factorOn, linesOf, smoothingUnit, withEarlier, type Line } from "@/features/charts/lines";
import { earlierOf } from "@/features/charts/useEarlier";
import { bucketsEach, historySpan } from "@/features/charts/useHistory";
import type { Run, Series } from "@/shared/api/types";
import { MOST_RUNS, choiceOf, choiceSearch, withChosen, withHidden } from "@/shared/choice";
import { runColour, runLooks } from "@/shared/runColour";

const ids = (count: number) => Array.from({ length: count }, (_, index) => `run_${String(index)}`);
const NOTHING = { curve: emptyBuckets, subscribe: () => () => undefined };

function series(name: string, attempt: number, values: (number | null)[]): Series {
  const x = values.map((_, index) => 10 * (index + 1));
  return { name, attempt, x, min: values, max: values, mean: values, last: values, count: x.map(() => 1), nan: x.map(() => 0) };
}

function drawn(label: string, values: (number | null)[], look: Line["look"] = "plain"): Drawn {
  const curve: Buckets = fromSeries(series("m", 1, values));
  return { line: { id: label, label, source: NOTHING, colour: "c", dash: [], look, factor: 1, unit: 1 }, curve, shown: curve.mean };
}

test("ten runs have ten colours, the next ten are dashed, and those before keep theirs", () => {
  const looks = runLooks(ids(25));
  const ten = ids(10).map((id) => looks.get(id));
  expect(new Set(ten.map((look) => look?.colour)).size).toBe(10);
  expect(ten.every((look) => look?.dash.length === 0)).toBe(true);
  expect(new Set([...looks.values()].map(({ colour, dash }) => colour + dash.join())).size).toBe(25);
  for (const [id, look] of runLooks(ids(7))) expect(looks.get(id)).toEqual(look);
  expect(runLooks(["run_a"]).get("run_a")?.colour).toBe(runColour("run_a"));
});

test("a choice goes into the address and comes back in its order", () => {
  const choice = withHidden(withChosen(withChosen({ runs: [], hidden: [] }, "b", true), "a", true), "b", true);
  expect(choice).toEqual({ runs: ["b", "a"], hidden: ["b"] });
  expect(choiceOf(choiceSearch(choice))).toEqual(choice);
  expect(choiceSearch(withChosen(choice, "b", false))).toEqual({ runs: "a" });
  expect(choiceOf({ runs: "a,,a,b", hidden: "x,b" })).toEqual({ runs: ["a", "b"], hidden: ["b"] });
  expect(choiceOf({ runs: ids(50).join() }).runs).toHaveLength(MOST_RUNS);
});

test("what charts show goes into the address and comes back", () => {
  const wishes = { axis: "flops", from: 1.5e18, to: 2e18, log: true, smoothing: 0.6, clip: true, attempts: true } as const;
  expect(read(written(wishes))).toEqual(wishes);
  expect(searchOf(wishesOf({}))).toEqual({});
  expect(wishesOf({ x: "nonsense", from: "", to: "abc", smooth: "7" })).toMatchObject({ axis: "step", from: undefined, to: undefined, smoothing: 0.99 });
});

test("hidden runs have no line and the others keep their colours; who is not pointed at is faded", () => {
  const runs = ids(3).map((id) => ({ id, name: id, factor: 1 }));
  const all = linesOf({ runs, hidden: [], pointed: null, unit: 5 }, () => NOTHING);
  const some = linesOf({ runs, hidden: ["run_0"], pointed: "run_1", unit: 5 }, () => NOTHING);
  expect(some.map(({ id, look }) => [id, look])).toEqual([["run_1", "plain"], ["run_2", "faded"]]);
  expect(some.map(({ colour }) => colour)).toEqual(all.slice(1).map(({ colour }) => colour));
  expect(linesOf({ runs, hidden: ["run_0"], pointed: "run_0", unit: 5 }, () => NOTHING).map(({ look }) => look)).toEqual(["plain", "plain"]);
  expect(linesOf({ runs: [{ id: "a", name: "a", factor: null }], hidden: [], pointed: null, unit: 1 }, () => NOTHING)).toEqual([]);
});

test("earlier attempts stand behind their run, dashed and without the newest", () => {
  const earlier = earlierOf([series("train/loss", 1, [3, 2]), series("train/loss", 2, [1]), series("val/loss", 1, [9])], "step");
  expect(earlier.map(({ attempt, source }) => [attempt, source.curve("train/loss", "step").mean, source.curve("val/loss", "step").mean])).toEqual([[1, [3, 2], [9]]]);
  const [line] = linesOf({ runs: [{ id: "a", name: "a", factor: 1 }], hidden: [], pointed: null, unit: 1 }, () => NOTHING);
  const lines = withEarlier(line ? [line] : [], () => earlier);
  expect(lines.map(({ label, look, dash }) => [label, look, dash.length])).toEqual([["a", "plain", 0], ["a, attempt 1", "earlier", 2]]);
  expect(earlier[0]?.source.curve("train/loss", "tokens").x, "these are steps").toEqual([]);
  expect(earlierOf([], "step")).toEqual([]);
});

test("values at the crosshair come largest first, and only of who is there", () => {
  const readings = readingsAt([drawn("low", [1, 2]), drawn("high", [5, 6]), drawn("broken", [null, null]), drawn("over", [7])], 20);
  expect(readings.map(({ label, value }) => [label, value])).toEqual([["high", 6], ["low", 2], ["broken", NaN]]);
  expect(bucketAt(fromSeries(series("m", 1, [1, 2, 3])), 500)).toBeNull();
});

test("a chart of many runs says in words where they end", () => {
  const [caption, summary] = describe("train/loss", "step", [drawn("a", [3, 2]), drawn("b", [4, 1]), drawn("a, attempt 1", [9], "earlier")], null, []);
  expect(caption).toBe("2 runs");
  expect(summary).toBe("train/loss: 2 runs, 4 points; at their ends a 2.000, b 1.000");
  expect(describe("m", "tokens", [drawn("a", [1]), drawn("b", [1])], 1500, [])[0]).toBe("1,500 tokens");
});

test("a log scale that has a place for none of the values says so", () => {
  const told = (log: boolean, ...values: number[][]) => unplaced(log, values.map((each, index) => drawn(String(index), each)));
  for (const text of [told(true, [0, -1]), told(true, [0], [-1, 0])]) expect(text).toContain("nothing above 0");
  expect([told(false, [0, -1]), told(true, [0, 1]), told(true, [0], [2]), told(true, [])]).toEqual(["", "", "", ""]);
});

test("a curve has a newest, a least and a most", () => {
  expect(extremes(fromSeries(series("m", 1, [3, 1, 2, null])))).toEqual({ newest: 2, least: 1, most: 3 });
  const seen = (from?: number, to?: number) => extremes(within(fromSeries(series("m", 1, [3, 1, 2, 9])), from, to));
  expect([seen(20, 30), seen(25), seen(undefined, 39)], "of what is in sight").toEqual([{ newest: 2, least: 1, most: 2 }, { newest: 9, least: 2, most: 9 }, { newest: 2, least: 1, most: 3 }]);
  expect(extremes(emptyBuckets())).toEqual({ newest: NaN, least: NaN, most: NaN });
});

test("over FLOPs it is the history over tokens, stretched", () => {
  expect(historySpan({ axis: "flops", from: 600, to: undefined }, 6)).toEqual({ axis: "tokens", from: 100, to: undefined });
  expect(historySpan({ axis: "flops", from: 600, to: 900 }, null), "nobody knows what a token costs").toEqual({ axis: "tokens", from: undefined, to: undefined });
  expect([factorOn("flops", 6), factorOn("flops", null), factorOn("tokens", null)]).toEqual([6, null, 1]);
  expect(historySpan({ axis: "time", from: 1, to: 2 }, 6)).toEqual({ axis: "time", from: 1, to: 2 });
  expect(stretched(fromSeries(series("m", 1, [1, 2])), 6).x).toEqual([60, 120]);
});

test("smoothing counts by the longest run on the chart", () => {
  const run = (step: number, tokens: number) => ({ id: "r", started_at: "2026-01-01T00:00:00Z", ended_at: "2026-01-01T00:10:00Z", progress: { step, steps: step, tokens } }) as Run;
  const runs = [run(10_000, 1e6), run(2_000, 2e6)];
  expect(smoothingUnit(runs, "step", () => null, 0)).toBe(10);
  expect(smoothingUnit(runs, "tokens", () => null, 0)).toBe(2000);
  expect(smoothingUnit(runs, "flops", () => 6, 0)).toBe(12_000);
  expect(smoothingUnit(runs.slice(0, 1), "time", () => null, 0)).toBeCloseTo(0.6);
  expect(smoothingUnit([run(0, 0)], "tokens", () => null, 0)).toBe(1);
});

test("metrics are grouped, found and told which way is better", () => {
  expect(grouped(["perf/mfu", "val/loss", "train/lr", "train/loss"])).toEqual([["train", ["train/loss", "train/lr"]], ["val", ["val/loss"]], ["perf", ["perf/mfu"]]]);
  expect(matching(["train/loss", "val/loss", "perf/mfu"], "loss, MFU")).toHaveLength(3);
  expect(matching(["train/loss", "perf/mfu"], " perf ")).toEqual(["perf/mfu"]);
  expect([isBetterHigh("perf/tokens_per_second"), isBetterHigh("train/loss")]).toEqual([true, false]);
  expect([bucketsEach(1), bucketsEach(10), bucketsEach(20)]).toEqual([800, 600, 300]);
});
