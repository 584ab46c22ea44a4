import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const css = await readFile(new URL("../src/shared/styles/tokens.css", import.meta.url), "utf8");

function block(selector: string): Record<string, string> {
  const text = css.slice(css.indexOf(selector) + selector.length).split("{")[1]?.split("}")[0] ?? "";
  return Object.fromEntries([...text.matchAll(/([\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [name, value]));
}

const dark = block(":root");
const light = block(':root[data-theme="light"]');

function luminance(hex: string): number {
  const channels = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = channels.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string | undefined, other: string | undefined): number {
  const [low = 0, high = 0] = [luminance(one ?? ""), luminance(other ?? "")].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

test("the light theme is the same whether the system or the person wants it", () => {
  expect(block(':root:not([data-theme="dark"])')).toEqual(light);
});

test.each([
  ["dark", dark],
  ["light", light],
])("text of the %s theme is readable on every ground", (_, tokens) => {
  for (const ground of ["--bg-0", "--bg-1", "--bg-2"]) {
    for (const text of ["--text", "--text-2", "--accent", "--good", "--info", "--warn", "--bad", "--off"]) {
      expect(contrast(tokens[text], tokens[ground]), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    for (let run = 1; run <= 10; run += 1) {
      expect(contrast(tokens[`--run-${String(run)}`], tokens[ground]), `--run-${String(run)} on ${ground}`).toBeGreaterThanOrEqual(3);
    }
  }
  expect(contrast(tokens["--on-accent"], tokens["--accent-fill"])).toBeGreaterThanOrEqual(4.5);
});
