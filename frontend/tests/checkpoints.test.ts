import { expect, test } from "vitest";
import { differences } from "@/shared/configuration";
import { isShown, onlyNamed, queryOf, searchOf } from "@/features/checkpoints/filter";
import { keeping, nameOf, trust } from "@/features/checkpoints/words";
import type { Checkpoint } from "@/shared/api/types";
import { until } from "@/shared/format/time";

const NOW = Date.parse("2026-01-01T12:00:00Z");
const PLAIN: Checkpoint = {
  id: "ckpt_1",
  run_id: "run_1",
  run_name: "first",
  project: "default",
  attempt: 1,
  step: 1200,
  tokens: 1,
  metrics: {},
  bytes: 1,
  created_at: "2026-01-01T11:00:00Z",
  state: "committed",
  verified_at: "2026-01-01T11:58:00Z",
  damage: "",
  pinned: false,
  pinned_by: null,
  aliases: [],
  kept_because: [],
  expires_at: null,
  files: [],
  left_behind: false,
};
const texts = (checkpoint: Partial<Checkpoint>) => keeping({ ...PLAIN, ...checkpoint }, NOW).map(({ text }) => text);

test("whether its bytes can be trusted, in words", () => {
  expect(nameOf(PLAIN)).toBe("step 1,200 of first");
  expect(trust(PLAIN, NOW)).toMatchObject({ text: "hash verified 2 min ago", tone: "good" });
  expect(trust({ ...PLAIN, verified_at: null }, NOW)).toMatchObject({ text: "not verified yet", tone: "off" });
  expect(trust({ ...PLAIN, state: "damaged", damage: "expected a, found b" }, NOW)).toMatchObject({ text: "damaged", tone: "bad", about: "expected a, found b" });
  expect(trust({ ...PLAIN, state: "deleting" }, NOW).text).toBe("being deleted");
});

test("what keeps it: pin and aliases once, the rules behind them", () => {
  const kept_because = ["newest", "one of the last 3", "pinned by ann", "alias production"];
  expect(texts({ pinned: true, pinned_by: "ann", aliases: ["production"], kept_because })).toEqual(["pinned", "production", "newest +1"]);
  expect(texts({ kept_because: ["newest"] })).toEqual(["newest"]);
  expect(texts({ expires_at: "2026-01-03T13:00:00Z" })).toEqual(["expires in 2 d"]);
  expect(texts({})).toEqual(["not kept"]);
  expect(texts({ state: "deleting" })).toEqual([]);
});

test("when something will be", () => {
  const times = ["2026-01-01T11:00:00Z", "2026-01-01T12:00:30Z", "2026-01-01T12:05:59Z", "2026-01-02T11:00:00Z", "2026-01-02T12:00:00Z"];
  expect(times.map((time) => until(time, NOW))).toEqual(["any moment", "in 30 s", "in 5 min", "in 23 h", "in 1 d"]);
});

test("the filter: what the server is asked, what is left to us, and the address", () => {
  expect(queryOf({ run: "run_1", alias: "default/best", only: "damaged" })).toEqual({ run_id: "run_1", alias: "default/best", state: "damaged" });
  expect(queryOf({ only: "pinned" }).state).toBeUndefined();
  expect(isShown(PLAIN, undefined)).toBe(true);
  expect([isShown(PLAIN, "pinned"), isShown({ ...PLAIN, pinned: true }, "pinned")]).toEqual([false, true]);
  expect([isShown(PLAIN, "expiring"), isShown({ ...PLAIN, expires_at: PLAIN.created_at }, "expiring")]).toEqual([false, true]);
  expect([isShown(PLAIN, "damaged"), isShown({ ...PLAIN, state: "damaged" }, "damaged")]).toEqual([false, true]);
  expect([onlyNamed("pinned"), onlyNamed("gone"), onlyNamed(undefined)]).toEqual(["pinned", undefined, undefined]);
  expect(searchOf({ run: undefined, alias: "default/best", only: undefined })).toEqual({ alias: "default/best" });
});

test("where two configurations differ, by dotted path", () => {
  const before = { name: "a", train: { steps: 100, betas: [0.9, 0.95], keep_every: null }, same: { x: 1 } };
  const after = { name: "b", train: { steps: 100, betas: [0.9, 0.99] }, same: { x: 1 }, extra: true };
  expect(differences(before, after)).toEqual([
    { path: "name", before: "a", after: "b" },
    { path: "train.betas", before: "[0.9,0.95]", after: "[0.9,0.99]" },
    { path: "extra", before: "–", after: "true" },
  ]);
  expect(differences(before, before)).toEqual([]);
});
