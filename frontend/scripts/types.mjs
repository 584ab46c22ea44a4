// `npm run types` writes src/shared/api/schema.d.ts from the OpenAPI document; with --check it only says whether that is up to date.
import openapiTS, { astToString } from "openapi-typescript";
import { readFile, writeFile } from "node:fs/promises";

const source = new URL("../../services/api/openapi.json", import.meta.url);
const target = new URL("../src/shared/api/schema.d.ts", import.meta.url);

const head = "// Written by `npm run types` from services/api/openapi.json. Do not edit.\n";
const written = head + astToString(await openapiTS(source));

if (process.argv.includes("--check")) {
  const present = await readFile(target, "utf8").catch(() => "");
  if (present !== written) {
    console.error("src/shared/api/schema.d.ts is not what services/api/openapi.json says; run `npm run types`");
    process.exit(1);
  }
} else {
  await writeFile(target, written);
}
