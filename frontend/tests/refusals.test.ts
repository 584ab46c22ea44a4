import { expect, test } from "vitest";
import { bodyOf, valueAt } from "@/features/checkpoints/forking";
import { noRollback } from "@/features/checkpoints/words";
import { Problem, refusalOf } from "@/shared/api/problem";
import type { AnyEvent, Checkpoint, Run } from "@/shared/api/types";

test("a refusal is told at its field, and what has no field here in a banner", () => {
  const errors = [
    { field: "changes.optimizer.lr", message: "greater than 0" },
    { field: "changes.optimizer.betas.1", message: "less than 1" },
    { field: "changes.evaluate.batches", message: "too many" },
  ];
  const { at, rest } = refusalOf(new Problem(422, "invalid", "3 fields", "mend them", errors), ["optimizer.lr", "optimizer.betas"], "changes.");
  expect(Object.fromEntries(at)).toEqual({ "optimizer.lr": "greater than 0", "optimizer.betas": "less than 1" });
  expect([rest?.message, rest?.remedy]).toEqual(["changes.evaluate.batches: too many", "mend them"]);
});

test("what is told at its fields needs no banner; what has none is told with its remedy", () => {
  const field = new Problem(422, "invalid", "one field", "", [{ field: "name", message: "taken" }]);
  expect(refusalOf(field, ["name"]).rest).toBeNull();
  const conflict = new Problem(409, "command-conflict", "'pause' of ada is still open", "wait until it is applied");
  expect(refusalOf(conflict, ["name"])).toEqual({ at: new Map(), rest: conflict });
  expect(refusalOf(null, ["name"]).rest).toBeNull();
});

const RUN = { name: "r", state: "running", ended_at: null, progress: { step: 100 }, train: { steps: 900, batch_size: 8, optimizer: { lr: 0.1 } } } as unknown as Run;
const CHECKPOINT = { step: 40, left_behind: false } as Checkpoint;

test("a rollback that cannot be says why", () => {
  expect(noRollback(CHECKPOINT, RUN)).toBeNull();
  expect(noRollback(CHECKPOINT, undefined), "the server knows").toBeNull();
  expect(noRollback({ ...CHECKPOINT, step: 100 }, RUN)).toContain("not past it");
  expect(noRollback({ ...CHECKPOINT, left_behind: true }, RUN)).toContain("fork");
  expect(noRollback(CHECKPOINT, { ...RUN, state: "succeeded", ended_at: "2026-01-01T00:00:00Z" })).toContain("has ended (succeeded)");
  expect(noRollback(CHECKPOINT, { ...RUN, state: "stopping" })).toContain("stopping");
});

test("a fork shows what held at the checkpoint, not what holds now", () => {
  const change = (step: number, lr: number) => ({ type: "HyperparametersChanged", command_id: "c", step, old: { "train.optimizer.lr": lr }, new: {}, replayed: false }) as Extract<AnyEvent, { type: "HyperparametersChanged" }>;
  const changes = [change(80, 0.2), change(60, 0.3), change(40, 0.4)];
  expect(valueAt(CHECKPOINT, RUN, changes, "train.optimizer.lr"), "a change after step 40 itself is part of its checkpoint").toBe("0.3");
  expect(valueAt(CHECKPOINT, RUN, changes, "train.steps")).toBe("900");
  expect(valueAt({ ...CHECKPOINT, step: 90 }, RUN, changes, "train.optimizer.lr")).toBe("0.1");
  expect(valueAt({ ...CHECKPOINT, left_behind: true }, RUN, changes, "train.optimizer.lr"), "not known").toBe("");
});

test("a fork sends what was typed, and what is no number as it is", () => {
  expect(bodyOf({})).toEqual({ overrides: {} });
  expect(bodyOf({ name: " b ", "train.steps": "60", "train.optimizer.lr": "fast" })).toEqual({ name: "b", overrides: { train: { steps: 60, optimizer: { lr: "fast" } } } });
});
