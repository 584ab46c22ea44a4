/** The form's own copies of what the server takes are the server's. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { PRESETS, SECTIONS, fallbackOf, type FormField } from "@/features/new-run/fields";
import { STATES } from "@/features/runs/query";

interface Schema {
  $ref?: string;
  type?: string;
  default?: string | number | boolean | null;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
}

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const { components } = JSON.parse(await read("services/api/openapi.json")) as { components: { schemas: Record<string, Schema> } };

function schemaOf(path: string): Schema {
  const resolve = (schema: Schema | undefined) => (schema?.$ref ? components.schemas[schema.$ref.split("/").at(-1) ?? ""] : schema);
  const found = path.split(".").reduce<Schema | undefined>((schema, name) => resolve(schema?.properties?.[name]), components.schemas.RunSpec);
  if (!found) throw new Error(`the run spec has no ${path}`);
  return found;
}

const fields = SECTIONS.flatMap(({ fields: shown, more = [] }) => [...shown, ...more]);
const paths = fields.map((field) => [field.path, field] as const);

test.each(paths)("%s is a field of the spec, of the kind it is shown as", (path, { kind }: FormField) => {
  const { type, anyOf = [] } = schemaOf(path);
  const types = [type, ...anyOf.map((one) => one.type)];
  if (kind === "number") expect(types.some((one) => one === "integer" || one === "number")).toBe(true);
  else expect(types).toContain(kind === "lines" ? "array" : path === "model.tied_head" || path === "compute.preemptible" ? "boolean" : "string");
});

test.each(paths)("%s left empty is what the server takes then", (path, field: FormField) => {
  const { default: taken } = schemaOf(path);
  const shown = fallbackOf(field, { model: { preset: "nano" } });
  expect(shown).toBe(field.kind === "lines" || taken === undefined || taken === null ? "" : String(taken));
});

test.each(paths.filter(([, { kind }]) => kind === "choice"))("%s offers what the server knows", (path, field: FormField) => {
  const known = schemaOf(path).enum ?? [true, false];
  expect(new Set(field.options)).toEqual(new Set(known.map(String)));
});

test("the presets are the server's", async () => {
  const [, block = ""] = /^PRESETS[^{]*(\{.*?^\})/ms.exec(await read("shared/spec.py")) ?? [];
  expect(PRESETS).toEqual(JSON.parse(block.replace(/,(\s*\})/g, "$1")));
  expect(new Set(schemaOf("model.preset").enum)).toEqual(new Set(Object.keys(PRESETS)));
});

test("the query box knows all states", () => {
  expect(new Set(STATES)).toEqual(new Set(components.schemas.RunState?.enum));
});
