// What a browser loads before the first page shows: the entry script and everything it imports statically, gzipped.
import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const LIMIT = 250_000;
const dist = new URL("../dist/", import.meta.url);
const html = await readFile(new URL("index.html", dist), "utf8");
const initial = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1]);
const packed = async (file) => gzipSync(await readFile(new URL(file, dist)), { level: 9 }).length;

let scripts = 0;
for (const file of initial) {
  const size = await packed(file);
  if (file.endsWith(".js")) scripts += size;
  console.log(`${String(size).padStart(8)}  ${file}`);
}
const all = await readdir(new URL("assets/", dist));
const later = all.map((name) => `assets/${name}`).filter((file) => !initial.includes(file) && !file.endsWith(".gz"));
for (const file of later) console.log(`${String(await packed(file)).padStart(8)}  ${file} (later)`);
console.log(`initial JavaScript: ${scripts} bytes gzipped, at most ${LIMIT}`);
process.exit(scripts > LIMIT ? 1 : 0);
