import { expect, test } from "vitest";
import { alertsIn, fromYaml, toSpec, toYaml, valueAt, withValue } from "@/features/new-run/draft";
import { FIELD_PATHS, SECTIONS, fallbackOf, shownText, textOf, valueOf, type FormField } from "@/features/new-run/fields";
import { submitCommand } from "@/shared/api/curl";

const steps = SECTIONS.flatMap(({ fields }) => fields).find(({ path }) => path === "train.steps");
const layers = SECTIONS.flatMap(({ fields }) => fields).find(({ path }) => path === "model.n_layer");

test("a value is put at its path and taken out again, with sections that become empty", () => {
  const draft = withValue({ name: "a" }, "train.optimizer.lr", 0.1);
  expect(draft).toEqual({ name: "a", train: { optimizer: { lr: 0.1 } } });
  expect(valueAt(draft, "train.optimizer.lr")).toBe(0.1);
  expect(withValue(draft, "train.optimizer.lr", undefined)).toEqual({ name: "a" });
});

test("form, YAML and cURL are the same spec", () => {
  const draft = { name: "a", dataset: "plays", train: { steps: 10, sample: { prompts: ["it's", "two\nlines"] } } };
  expect(fromYaml(toYaml(draft))).toEqual(draft);
  const body = submitCommand(toSpec(draft), "http://localhost").split("-d '")[1]?.slice(0, -1).replaceAll(String.raw`'\''`, "'");
  expect(JSON.parse(body ?? "")).toEqual(draft);
});

test("YAML that is no spec says so", () => {
  expect(() => fromYaml("- a\n- b")).toThrow("a run spec is");
  expect(() => fromYaml("a: [")).toThrow();
  expect(fromYaml("")).toEqual({});
});

test("empty names are not sent", () => {
  expect(toSpec({ name: "", dataset: "plays" })).toEqual({ dataset: "plays" });
});

test("what is no number stays as it was typed", () => {
  if (!steps) throw new Error("no field for the steps");
  expect(valueOf(steps, "1e3")).toBe(1000);
  expect(valueOf(steps, "many")).toBe("many");
  expect(valueOf(steps, "")).toBeUndefined();
});

/** Types into a field letter by letter, each behind what the field shows by then. Returns what it shows and what it means in the end. */
function type(field: FormField, letters: string): [string, unknown] {
  let [typed, value]: [string | null, unknown] = [null, undefined];
  for (const letter of letters) {
    typed = shownText(field, typed, value) + letter;
    value = valueOf(field, typed);
  }
  return [shownText(field, typed, value), value];
}

test.each(["0.0003", "1.50", "1e-4", "-0.0", "3."])("%s can be typed letter by letter", (text) => {
  if (!steps) throw new Error("no field for the steps");
  expect(type(steps, text)).toEqual([text, Number(text)]);
});

test("what changes elsewhere is shown instead of what was typed", () => {
  if (!steps) throw new Error("no field for the steps");
  expect(shownText(steps, "0.", 5)).toBe("5");
  expect(shownText(steps, "0.", undefined)).toBe("");
});

test("a number that would be rounded stays text", () => {
  if (!steps) throw new Error("no field for the steps");
  expect(valueOf(steps, "12345678901234567890")).toBe("12345678901234567890");
});

test("a model's numbers come with its preset until they are given", () => {
  if (!layers) throw new Error("no field for the layers");
  expect(fallbackOf(layers, { model: { preset: "micro" } })).toBe("6");
  expect(fallbackOf(layers, {})).toBe("4");
});

test("a field shows numbers, lines and words as text", () => {
  expect([textOf(3), textOf(["a", "b"]), textOf("x"), textOf(undefined), textOf(false)]).toEqual(["3", "a\nb", "x", "", "false"]);
});

test("no field is there twice", () => {
  const paths = SECTIONS.flatMap(({ fields, more = [] }) => [...fields, ...more].map(({ path }) => path));
  expect(paths.length).toBe(FIELD_PATHS.size);
});

test("alerts are told in short, in the spec's own words", () => {
  expect(alertsIn({ name: "a" })).toBe("");
  expect(alertsIn({ alerts: { nan: { action: "rollback" }, plateau: { enabled: false }, loss_spike: { threshold: 6 }, max_rollbacks: 1 } })).toBe("nan: rollback, plateau: off, loss spike: changed");
});
