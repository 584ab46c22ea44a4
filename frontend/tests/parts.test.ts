import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { choose, nameFrom } from "@/features/datasets/chosenFiles";
import { checkText, cut, readPart, sha256, type SourceFile } from "@/features/datasets/parts";

function source(path: string, text: string | Uint8Array): SourceFile {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return { path, size: bytes.length, read: (from, to) => Promise.resolve(new Uint8Array(bytes.slice(from, to))) };
}

const text = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

async function contents(files: SourceFile[], limit: number): Promise<Uint8Array[]> {
  return Promise.all((await cut(files, limit)).map(readPart));
}

test("parts end between files where they can", async () => {
  const parts = await contents([source("a", "aaaa"), source("b", "bbb"), source("c", "cc")], 7);
  expect(parts.map(text)).toEqual(["aaaabbb", "cc"]);
});

test.each([4, 5, 6, 7, 11])("a large file is cut between characters, at most %i bytes each", async (limit) => {
  const original = "aé✓😀".repeat(9);
  const parts = await contents([source("a", original)], limit);
  expect(parts.map(text).join("")).toBe(original);
  expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(limit);
});

test("the cut keeps a mark at the beginning", async () => {
  const [part] = await contents([source("a", "\uFEFFhello")], 100);
  expect(text(part ?? new Uint8Array())).toBe("\uFEFFhello");
});

test("what is not UTF-8 is named", async () => {
  const latin = source("latin.txt", new Uint8Array([97, 0xe9, 98]));
  const [pieces = []] = await cut([source("good.txt", "good"), latin], 100);
  expect(() => checkText(new Uint8Array([103, 111, 111, 100, 97, 0xe9, 98]), pieces)).toThrow("latin.txt is not UTF-8");
  await expect(cut([source("bad.bin", new Uint8Array(20).fill(0x80))], 8)).rejects.toThrow("bad.bin");
});

test("a file that has changed meanwhile is noticed", async () => {
  const shrunk: SourceFile = { path: "a.txt", size: 10, read: () => Promise.resolve(new Uint8Array(3)) };
  await expect(readPart([{ file: shrunk, from: 0, size: 10 }])).rejects.toThrow("a.txt has changed");
});

test("hashes are those of the server, with and without WebCrypto", async () => {
  const content = new TextEncoder().encode("some text");
  const expected = createHash("sha256").update(content).digest("hex");
  expect(await sha256(content)).toBe(expected);
  const subtle = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(crypto), "subtle");
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  try {
    expect(await sha256(content)).toBe(expected);
  } finally {
    if (subtle) Object.defineProperty(crypto, "subtle", subtle);
  }
});

test("empty files are left out, and a path occurs once", () => {
  const chosen = choose([source("b.txt", "old")], [new File(["new!"], "b.txt"), new File([], "empty.txt"), new File(["x"], "a.txt")]);
  expect(chosen.files.map(({ path, size }) => [path, size])).toEqual([
    ["a.txt", 1],
    ["b.txt", 4],
  ]);
  expect(chosen.left).toEqual(["empty.txt is empty"]);
});

test("a dataset's name comes from its first file", () => {
  expect(nameFrom("Tiny Shakespeare.txt")).toBe("tiny-shakespeare");
  expect(nameFrom("novels/part 1.txt")).toBe("novels");
});
