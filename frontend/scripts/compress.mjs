// Writes FILE.gz beside every text of the build, so that the gateway has nothing to compress while it serves.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const files = await readdir(dist, { recursive: true });
for (const file of files.filter((name) => /\.(js|css|html|svg)$/.test(name))) {
  const packed = gzipSync(await readFile(new URL(file, dist)), { level: 9 });
  await writeFile(new URL(`${file}.gz`, dist), packed);
}
