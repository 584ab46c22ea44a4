import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { places } from "@/features/logs/LogRow";
import { loadNewer, loadOlder, openWindow, seek, withNewer, withOlder, type Question } from "@/features/logs/logWindow";
import { countBefore } from "@/features/logs/useKeptPlace";
import type { LogLine, LogPage } from "@/shared/api/types";

/** The monitor holds lines 0 to `end` - 1; every 1000th is looked for, and a page looks through at most `reach`. */
let end: number;
let reach: number;
let asked: URLSearchParams[];

beforeEach(() => {
  [end, reach, asked] = [0, 10_000, []];
  vi.stubGlobal("fetch", (address: string) => {
    const query = new URL(address, "http://test").searchParams;
    asked.push(query);
    return Promise.resolve(Response.json(answer(query)));
  });
});

afterEach(() => vi.unstubAllGlobals());

function answer(query: URLSearchParams): LogPage {
  const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
  const newest = query.get("order") === "newest";
  const first = Math.max(number("from_line", 0), newest ? 0 : number("cursor", 0));
  const stop = newest ? Math.min(number("cursor", end), end) : end;
  const items: LogLine[] = [];
  let line = newest ? stop - 1 : first;
  for (let looked = 0; line >= first && line < stop && looked < reach && items.length < number("limit", 50); looked += 1) {
    if (!query.has("q") || line % 1000 === 0) items.push(lineOf(line));
    line += newest ? -1 : 1;
  }
  const next_line = newest ? line + 1 : line;
  const complete = newest ? line < first : line >= stop;
  return { items, next_cursor: complete ? null : String(next_line), next_line };
}

const lineOf = (line: number): LogLine => ({ line, rank: 0, attempt: 1, at: "", text: `line ${String(line)}`, error: false });
const plain: Question = { runId: "run_1", rank: "", q: "", errors: false };
const searched: Question = { ...plain, q: "x" };
const numbers = ({ lines }: { lines: readonly LogLine[] }) => lines.map(({ line }) => line);
const up = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("the log is opened at its end, and grows both ways", async () => {
  end = 5000;
  let known = await openWindow(plain, null);
  expect(numbers(known)).toEqual(up(4000, 4999));
  end = 5003;
  known = withNewer(known, await loadNewer(plain, known));
  const older = await loadOlder(plain, known.older ?? "");
  known = withOlder(known, "4000", older);
  expect(numbers(known)).toEqual(up(3000, 5002));
  expect(known).toMatchObject({ older: "3000", more: false, next: 5003 });
  expect(withOlder(known, "4000", older)).toBe(known);
  expect(withNewer(known, await loadNewer(plain, known))).toBe(known);
});

test("the log is opened around any line, also its first and one behind its last", async () => {
  end = 5000;
  const known = await openWindow(plain, 2500);
  expect(numbers(known)).toEqual(up(1500, 3499));
  expect(known).toMatchObject({ older: "1500", more: true, next: 3500 });
  expect(numbers(withNewer(known, await loadNewer(plain, known)))).toEqual(up(1500, 4499));
  expect(await openWindow(plain, 0)).toMatchObject({ older: null, next: 1000 });
  expect(numbers(await openWindow(plain, 9999))).toEqual(up(4000, 4999));
});

test("a search begins at the first line and goes on where it was left, also with no hit", async () => {
  [end, reach] = [5000, 800];
  let known = await openWindow(searched, null);
  const pages = [numbers(known)];
  while (known.more) pages.push(numbers((known = withNewer(known, await loadNewer(searched, known)))));
  expect(pages).toEqual([[0], [0, 1000], [0, 1000, 2000], [0, 1000, 2000, 3000], [0, 1000, 2000, 3000], [0, 1000, 2000, 3000, 4000], [0, 1000, 2000, 3000, 4000]]);
  expect(asked.map((query) => query.get("from_line"))).toEqual(["0", "800", "1600", "2400", "3200", "4000", "4800"]);
});

test.each([
  ["next", 2001, 3000],
  ["previous", 2000, 1000],
  ["next", 4001, undefined],
  ["previous", 0, undefined],
] as const)("the %s hit from line %i is %s", async (way, from, expected) => {
  [end, reach] = [5000, 300];
  expect((await seek(searched, from, way))?.line).toBe(expected);
});

test("what is longest ago is let go of when there is much", () => {
  const page = (from: number, to: number): LogPage => ({ items: up(from, to).map(lineOf), next_cursor: null, next_line: to + 1 });
  let known = withNewer({ lines: [], older: null, more: true, next: 0 }, page(0, 119_999));
  expect(known).toMatchObject({ older: null, lines: { length: 120_000 } });
  known = withNewer(known, page(120_000, 120_000));
  expect(known).toMatchObject({ older: "20001", lines: { length: 100_000 }, next: 120_001 });
});

test("lines that come before push down what is read by as many", () => {
  const lines = [3, 8, 12, 20].map(lineOf);
  expect([countBefore(lines, 12), countBefore(lines, 3), countBefore(lines, 99)]).toEqual([2, 0, 4]);
});

test("every place of what is looked for is marked, in upper or lower case", () => {
  expect(places("Loss loss LOSS", "loss")).toEqual([[0, 4], [5, 9], [10, 14]]);
  expect([places("aaa", "aa"), places("abc", ""), places("İab", "ab")]).toEqual([[[0, 2]], [], []]);
});
