import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { events } from "@/features/events/EventList";
import { loadNewest, loadOlder, withOlder, type GrowingList, type Newest } from "@/shared/api/newest";

interface Item {
  line: number;
}

/** The monitor holds lines 0 to `end` - 1. */
let end: number;
let asked: URLSearchParams[];
let given: number;

beforeEach(() => {
  [end, asked, given] = [0, [], 0];
  vi.stubGlobal("fetch", (address: string) => {
    const query = new URL(address, "http://test").searchParams;
    asked.push(query);
    const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
    const items: Item[] = [];
    for (let line = number("cursor", end) - 1; line >= number("from_line", 0) && items.length <= number("limit", 50); line -= 1) items.push({ line });
    const more = items.length > number("limit", 50);
    if (more) items.pop();
    given += items.length;
    return Promise.resolve(Response.json({ items, next_cursor: more ? String(items.at(-1)?.line) : null }));
  });
});

afterEach(() => vi.unstubAllGlobals());

const plain: GrowingList<Item> = { address: "/list", idOf: ({ line }) => line, limit: 200 };
const numbered: GrowingList<Item> = { ...plain, after: ({ line }) => ({ from_line: line + 1 }) };
const signal = new AbortController().signal;
const lines = ({ items }: Newest<Item>) => items.map(({ line }) => line);
const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);

test("the end of a list comes first, and says that there is more", async () => {
  end = 1000;
  const found = await loadNewest(plain, () => undefined, signal);
  expect(lines(found)).toEqual(down(999, 600));
  expect(found.older).toBe("600");
  end = 300;
  expect(await loadNewest(plain, () => undefined, signal)).toMatchObject({ older: null, items: { length: 300 } });
});

test.each([
  ["a list of events", plain],
  ["numbered lines", numbered],
])("of %s only what is new is asked for", async (_, list) => {
  end = 1000;
  let known = await loadNewest(list, () => undefined, signal);
  const before = known;
  [asked, given] = [[], 0];
  end = 1003;
  known = await loadNewest(list, () => known, signal);
  expect(lines(known)).toEqual(down(1002, 600));
  expect(known.older).toBe("600");
  expect(asked.length).toBe(1);
  expect(given).toBeLessThanOrEqual(20);
  end = 1253;
  known = await loadNewest(list, () => known, signal);
  expect(lines(known)).toEqual(down(1252, 600));
  expect(await loadNewest(list, () => known, signal)).toBe(known);
  expect(lines(before)).toEqual(down(999, 600));
});

test.each([plain, numbered])("where too much is new the list begins anew, and says so", async (list) => {
  end = 100;
  const known = await loadNewest(list, () => undefined, signal);
  expect(known.older).toBeNull();
  end = 50_000;
  const found = await loadNewest(list, () => known, signal);
  const oldest = found.items.at(-1)?.line ?? 0;
  expect(lines(found)).toEqual(down(49_999, oldest));
  expect(found.older).toBe(String(oldest));
});

test("older items come behind, as long as they belong there", async () => {
  end = 1000;
  const known = await loadNewest(plain, () => undefined, signal);
  const page = await loadOlder(plain, "600");
  expect(lines(withOlder(known, "600", page))).toEqual(down(999, 400));
  expect(withOlder(known, "600", page).older).toBe("400");
  const anew = { items: [{ line: 5000 }], older: "5000" };
  expect(withOlder(anew, "600", page)).toBe(anew);
});

test("what was loaded while a question was under way stays", async () => {
  end = 1000;
  let known = await loadNewest(plain, () => undefined, signal);
  end = 1001;
  const page = await loadOlder(plain, "600");
  const refreshing = loadNewest(plain, () => known, signal);
  known = withOlder(known, "600", page);
  expect(lines(await refreshing)).toEqual(down(1000, 400));
});

test("events are told apart by who said them", () => {
  const event = { producer: "api", producer_seq: 3 } as Parameters<ReturnType<typeof events>["idOf"]>[0];
  expect(events("run_1").idOf(event)).toBe("api 3");
});
