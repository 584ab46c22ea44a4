import { expect, test } from "vitest";
import { causes, effects, isWide, placesOf, scaleOf } from "@/features/compare/relation";
import { against, changesOf, differing, sectionsOf, type Cell, type Known } from "@/features/compare/rows";
import type { Command, EnvelopeOfChange, Run } from "@/shared/api/types";

const NOW = Date.parse("2026-01-01T01:00:00Z");

function run(told: { lr: number; version?: number; slots?: string[]; summary?: Record<string, number> }): Run {
  return {
    id: "run",
    name: "any",
    state: "succeeded",
    started_at: "2026-01-01T00:00:00Z",
    ended_at: "2026-01-01T00:30:00Z",
    parent_id: null,
    spec: { name: "any", dataset: "stories", tokenizer: "char", train: { steps: 100, optimizer: { name: "adamw", lr: told.lr } }, model: { n_layer: 4 } },
    resolved: { dataset: { name: "stories", version: told.version ?? 1 }, tokenizer: { name: "char", version: 0, vocab_size: 65 } },
    attempts: [{ slots: told.slots ?? ["0"], worker: "w" }],
    progress: { step: 100, steps: 100, tokens: 6400, loss: null, tokens_per_second: null },
    summary: told.summary ?? {},
  } as unknown as Run;
}

function known(told: Parameters<typeof run>[0], more: Partial<Known> = {}): Known {
  return { run: run(told), estimate: null, best: null, changes: new Map(), ...more };
}

function section(title: string, ...all: Known[]) {
  return sectionsOf(all, NOW).find((each) => each.title === title)?.rows ?? [];
}

const texts = (cells: readonly Cell[] | undefined) => cells?.map(({ text }) => text);

test("only fields of which not all say the same differ, names and references aside", () => {
  const rows = section("Spec", known({ lr: 0.1 }), known({ lr: 0.2 }), known({ lr: 0.1 }));
  expect(rows.map(({ name }) => name)).toEqual(["train.steps", "train.optimizer.name", "train.optimizer.lr", "model.n_layer"]);
  expect(differing(rows).map(({ name, cells }) => [name, texts(cells)])).toEqual([["train.optimizer.lr", ["0.1", "0.2", "0.1"]]]);
});

test("versions, world size and what training came to are compared too", () => {
  const [one, other] = [known({ lr: 1, summary: { "val/loss": 2.5 } }, { best: { "train/loss": 1.25 } }), known({ lr: 1, version: 2, slots: ["0", "1"] })];
  const setUp = new Map(differing(section("Set-up", one, other)).map(({ name, cells }) => [name, texts(cells)]));
  expect(Object.fromEntries(setUp)).toEqual({ dataset: ["stories@1", "stories@2"], "world size": ["1", "2"] });
  const results = new Map(section("Results", one, other).map(({ name, cells }) => [name, texts(cells)]));
  expect(results.get("val/loss, last")).toEqual(["2.5000", "–"]);
  expect(results.get("train/loss, lowest")).toEqual(["1.2500", "–"]);
  expect(results.get("time")).toEqual(["30 min 0 s", "30 min 0 s"]);
});

test("a change that was made while it ran makes a field differ that began the same", () => {
  const changes = new Map([["train.optimizer.lr", [{ step: 40, text: "0.01" }]]]);
  const [row] = differing(section("Spec", known({ lr: 0.1 }), known({ lr: 0.1 }, { changes })));
  expect(row?.cells[1]?.changes).toEqual([{ step: 40, text: "0.01" }]);
});

test("changes come in order, once each, without those a rollback undid", () => {
  const change = (command_id: string, step: number, lr: number, at: number) =>
    ({ at, event: { type: "HyperparametersChanged", command_id, step, old: {}, new: { "train.optimizer.lr": lr }, replayed: false } }) as unknown as EnvelopeOfChange;
  const events = [change("b", 80, 0.3, 9), change("a", 40, 0.2, 8), change("a", 40, 0.2, 3), change("c", 60, 0.9, 5)];
  const found = changesOf(events, [{ command_id: "c", undone: true } as Command]);
  expect(found.get("train.optimizer.lr")).toEqual([{ step: 40, text: "0.2" }, { step: 80, text: "0.3" }]);
});

test("how far a value is from the baseline's, in a word", () => {
  const cell = (text: string): Cell => ({ text, amount: Number.isNaN(Number(text)) ? null : Number(text), changes: [] });
  const words = (value: string, base: string) => against(cell(value), cell(base));
  expect(words("4", "4")).toBeNull();
  expect(words("4", "1")).toBe("× 4");
  expect(words("0.001", "0.01")).toBe("× 0.1");
  expect(words("1.5", "1")).toBe("+50.0 %");
  expect(words("2.9", "3")).toBe("−3.3 %");
  expect(words("bf16", "fp32")).toBe("differs");
  expect(words("1", "0")).toBe("differs");
});

test("a result is held against the settings that are numbers and vary", () => {
  const sections = sectionsOf([known({ lr: 0.001 }, { best: { "train/loss": 3 } }), known({ lr: 0.1 }, { best: { "train/loss": 2 } }), known({ lr: 0.01 })], NOW);
  const [cause, ...others] = causes(sections);
  expect([cause?.name, others]).toEqual(["train.optimizer.lr", []]);
  const effect = effects(sections).find(({ name }) => name === "train/loss, lowest");
  expect(cause && effect && placesOf(cause, effect)).toEqual([{ index: 0, x: 0.001, y: 3 }, { index: 1, x: 0.1, y: 2 }]);
});

test("places are spread by size, and by ratio where they are wide apart", () => {
  expect([1, 2, 3].map(scaleOf([1, 3])).map((share) => Number(share.toFixed(2)))).toEqual([0.06, 0.5, 0.94]);
  expect(scaleOf([0.001, 0.1])(0.01)).toBeCloseTo(0.5);
  expect(scaleOf([4, 4])(4)).toBe(0.5);
  expect([isWide([1, 30]), isWide([0, 30]), isWide([])]).toEqual([true, false, false]);
});
