import { expect, test } from "vitest";
import { TypedText, type Shelf } from "@/shared/kept";

class MapShelf implements Shelf {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
  key = (index: number) => [...this.items.keys()][index] ?? null;
  get length() {
    return this.items.size;
  }
}

function off(): Shelf {
  throw new DOMException("switched off", "SecurityError");
}

function tab(browser: Shelf, own: Shelf = new MapShelf()): TypedText {
  return new TypedText(
    () => own,
    () => browser,
  );
}

test("tabs do not write over each other, and a new one begins with the last", () => {
  const browser = new MapShelf();
  const [one, two] = [tab(browser), tab(browser)];
  one.write("new-run", "first");
  two.write("new-run", "second");
  expect([one.read("new-run"), two.read("new-run"), tab(browser).read("new-run")]).toEqual(["first", "second", "second"]);
});

test("a reload brings back what this tab had", () => {
  const [browser, own] = [new MapShelf(), new MapShelf()];
  tab(browser, own).write("new-run", "mine");
  tab(browser).write("new-run", "of another tab");
  expect(tab(browser, own).read("new-run")).toBe("mine");
});

test("without storage it lasts until the reload", () => {
  const text = new TypedText(off, off);
  text.write("new-run", "typed");
  expect(text.read("new-run")).toBe("typed");
  text.write("new-run", null);
  expect(text.read("new-run")).toBeNull();
});

test("signing out leaves nothing that was typed, and the theme", () => {
  const [browser, own] = [new MapShelf(), new MapShelf()];
  browser.setItem("groundup.theme", "light");
  const text = tab(browser, own);
  text.write("new-run", "typed");
  text.write("playground", "a prompt");
  text.forgetAll();
  expect([text.read("new-run"), text.read("playground"), own.length, [...browser.items.keys()]]).toEqual([null, null, 0, ["groundup.theme"]]);
});
