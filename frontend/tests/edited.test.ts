import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Edited } from "@/shared/edited";

const WAIT_MS = 250;
let edited: Edited;
let sent: string[];

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  edited = new Edited("", WAIT_MS);
  edited.sendBy((text) => sent.push(text));
});

afterEach(() => vi.useRealTimers());

function wait(): void {
  vi.advanceTimersByTime(WAIT_MS);
}

test("every letter is shown at once, and the whole is sent after a pause", () => {
  for (const text of ["l", "lo", "los"]) {
    edited.edit(text);
    expect(edited.shown.get()).toBe(text);
  }
  expect(sent).toEqual([]);
  wait();
  expect(sent).toEqual(["los"]);
});

test("what comes back late does not undo what was typed since", () => {
  edited.edit("lo");
  wait();
  edited.edit("loss");
  edited.arrive("lo");
  expect(edited.shown.get()).toBe("loss");
  wait();
  edited.edit("losses");
  wait();
  edited.arrive("loss");
  edited.arrive("losses");
  expect([edited.shown.get(), sent]).toEqual(["losses", ["lo", "loss", "losses"]]);
});

test("one that was overtaken on the way is not waited for", () => {
  edited.put("a");
  edited.put("ab");
  edited.arrive("ab");
  edited.arrive("a");
  expect(edited.shown.get(), "somebody went back to it").toBe("a");
});

test("what comes from elsewhere is shown, and what was not sent by then never is", () => {
  edited.edit("mine");
  edited.arrive("state:failed");
  expect(edited.shown.get()).toBe("state:failed");
  wait();
  expect(sent).toEqual([]);
});

test("back to what is there is nothing to send, and does not hide what comes later", () => {
  edited.edit("a");
  edited.edit("");
  wait();
  expect(sent).toEqual([]);
  edited.arrive("b");
  edited.arrive("");
  expect(edited.shown.get()).toBe("");
});

test("an edit that never came back is forgotten", () => {
  edited.put("a");
  vi.advanceTimersByTime(5000);
  edited.arrive("b");
  edited.arrive("a");
  expect(edited.shown.get()).toBe("a");
});

test("a page that is left sends nothing any more", () => {
  edited.edit("a");
  edited.leave();
  wait();
  expect(sent).toEqual([]);
});
