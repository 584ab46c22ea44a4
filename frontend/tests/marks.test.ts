import { expect, test } from "vitest";
import { markBeside, marksAt, placed, stepsTo } from "@/features/charts/markPlaces";
import { marksOf, type Happened, type Marked } from "@/features/charts/marks";
import type { Attempt, Checkpoint, Command } from "@/shared/api/types";

const NOTHING: Happened = { run: { attempts: [], origin: null, parent_id: null, created_at: "2026-01-01T00:00:00Z", created_by: "me" }, reached: 0, checkpoints: [], events: [], commands: [] };

function happened(event: Marked["event"], at = 1_767_225_600): Marked {
  return { at, event } as Marked;
}

function attempt(number: number, told: Partial<Attempt> = {}): Attempt {
  const known = { id: `att_${String(number)}`, state: "lost", worker: "w1", slots: ["0", "1"], reason: "", failure: null, preempted: false, resume_step: 0, started_at: "2026-01-01T00:00:00Z", ended_at: null };
  return { ...known, attempt: number, ...told } as Attempt;
}

function attempts(...list: Attempt[]): Happened {
  return { ...NOTHING, run: { ...NOTHING.run, attempts: list } };
}

function factsOf(given: Happened): Record<string, string> {
  return Object.fromEntries(marksOf(given)[0]?.facts ?? []);
}

test("changes, rollbacks, pauses and hangs are marked at their steps, in order", () => {
  const marks = marksOf({
    ...NOTHING,
    events: [
      happened({ type: "HyperparametersChanged", command_id: "c", step: 5, old: { "train.optimizer.lr": 0.2 }, new: { "train.optimizer.lr": 0.1 }, replayed: false }),
      happened({ type: "RunRolledBack", command_id: "c", checkpoint_id: "k", old_step: 9, step: 4, by: "me" }),
      happened({ type: "TrainingHeld", step: 6 }),
      happened({ type: "HangDetected", step: 7, silent_seconds: 700 }),
      happened({ type: "DetectorFired", alert_id: "a", detector: "loss_spike", severity: "warning", step: 8, metric: "train/loss", value: 9, threshold: 3, window: {}, message: "too high", remedy: "", actions: ["annotate"] }),
    ],
  });
  expect(marks.map(({ kind, x }) => [kind, x])).toEqual([["rollback", 4], ["change", 5], ["held", 6], ["hang", 7], ["spike", 8]]);
  expect(marks[1]?.text).toBe("optimizer.lr 0.1 from step 6 on");
});

test("a change tells who, when and what it was before", () => {
  const event = { type: "HyperparametersChanged", command_id: "c", step: 5, old: { "train.optimizer.lr": 0.2 }, new: { "train.optimizer.lr": 0.1 }, replayed: false } as const;
  const command = { command_id: "c", by: "ada", ranks: 2, undone: false } as Command;
  const facts = factsOf({ ...NOTHING, events: [happened(event)], commands: [command] });
  expect(facts).toMatchObject({ Who: "ada", Ranks: "2", "optimizer.lr": "0.2 → 0.1" });
  expect(facts.When).toContain("2026");
});

test("a change that later attempts make again is marked once, one that was undone not at all", () => {
  const event = { type: "HyperparametersChanged", command_id: "c", step: 5, old: {}, new: { "train.steps": 9 }, replayed: false } as const;
  const events = [happened({ ...event, replayed: true }, 30), happened({ ...event, replayed: true }, 20), happened(event, 10)];
  expect(marksOf({ ...NOTHING, events })).toHaveLength(1);
  expect(marksOf({ ...NOTHING, events, commands: [{ command_id: "c", undone: true } as Command] })).toEqual([]);
});

test("good, damaged, failed and left checkpoints are told apart", () => {
  const checkpoint = (step: number, told: Partial<Checkpoint>) => ({ step, state: "committed", created_at: "2026-01-01T00:00:00Z", bytes: 1, aliases: [], damage: "", left_behind: false, ...told }) as unknown as Checkpoint;
  const checkpoints = [checkpoint(1200, {}), checkpoint(2400, { state: "damaged", damage: "a bit flipped" }), checkpoint(3000, { left_behind: true })];
  const marks = marksOf({ ...NOTHING, checkpoints, events: [happened({ type: "CheckpointFailed", step: 3600, reason: "the disk is full" })] });
  expect(marks.map(({ kind, x }) => [kind, x])).toEqual([["checkpoint", 1200], ["bad-checkpoint", 2400], ["checkpoint", 3000], ["bad-checkpoint", 3600]]);
  expect(marks[2]?.text).toContain("left behind");
  expect(marks[3]?.text).toBe("no checkpoint at step 3,600: the disk is full");
});

test("a restart tells what the attempt before it died of, and what helps", () => {
  const failure = { kind: "out_of_memory", message: "no memory", remedy: "use a smaller batch" } as const;
  const given = attempts(attempt(1, { failure }), attempt(2, { resume_step: 40, worker: "w2" }));
  expect(marksOf(given).map(({ kind, x, text }) => [kind, x, text])).toEqual([["restart", 40, "attempt 2 from step 40 on w2, after: no memory"]]);
  expect(factsOf(given)).toMatchObject({ Attempt: "2, 2 slots on w2", Before: "attempt 1 on w1: lost", Why: "no memory", "What helps": "use a smaller batch" });
});

test("preemptions, pauses and rollbacks are no restarts", () => {
  const next = attempt(2, { resume_step: 40 });
  const kinds = (state: Attempt["state"]) => marksOf(attempts(attempt(1, { state }), next)).map(({ kind }) => kind);
  expect([kinds("preempted"), kinds("paused"), kinds("rolled_back"), kinds("failed")]).toEqual([["preempted"], ["held"], [], ["restart"]]);
});

test("a preempted run that waits is marked where it stands", () => {
  const given = { ...attempts(attempt(1, { state: "preempted", reason: "preempted by run 'x' (priority 90)" })), reached: 70 };
  expect(marksOf(given).map(({ kind, x }) => [kind, x])).toEqual([["preempted", 70]]);
  expect(factsOf(given).Why).toContain("priority 90");
});

test("a fork is marked at the step it begins from, with the run it came from", () => {
  const given = { ...NOTHING, run: { ...NOTHING.run, origin: { checkpoint_id: "ckpt_1", step: 40 }, parent_id: "run_0" } };
  expect(marksOf(given).map(({ kind, x }) => [kind, x])).toEqual([["origin", 40]]);
  expect(factsOf(given)).toMatchObject({ Who: "me", Run: "run_0", Checkpoint: "ckpt_1" });
});

const [LEFT, SAME, RIGHT] = [10, 10, 30].map((x) => ({ kind: "checkpoint", step: x, x, text: "", facts: [] }) as const);

test("a click means all marks of the nearest place within reach, and none beyond", () => {
  const marks = [LEFT, SAME, RIGHT].filter((mark) => mark !== undefined);
  const pixelOf = (x: number) => x * 10;
  expect(marksAt(marks, 104, pixelOf)).toHaveLength(2);
  expect(marksAt(marks, 295, pixelOf)).toEqual([RIGHT]);
  expect(marksAt(marks, 200, pixelOf)).toEqual([]);
  expect(marksAt([], 10, pixelOf)).toEqual([]);
});

test("keys walk from place to place in sight", () => {
  const marks = [LEFT, SAME, RIGHT].filter((mark) => mark !== undefined);
  expect(markBeside(marks, null, 1, [0, 100])?.x).toBe(10);
  expect(markBeside(marks, 10, 1, [0, 100])?.x).toBe(30);
  expect(markBeside(marks, 30, 1, [0, 100])).toBeUndefined();
  expect(markBeside(marks, 30, -1, [0, 100])?.x).toBe(10);
  expect(markBeside(marks, null, -1, [0, 20])?.x).toBe(10);
});

test("a detector that fired is a mark with its numbers", () => {
  const fired: Extract<Marked["event"], { type: "DetectorFired" }> = {
    type: "DetectorFired",
    alert_id: "a",
    detector: "loss_spike",
    severity: "warning",
    step: 70,
    metric: "train/loss",
    value: 9.5,
    threshold: 6,
    window: {},
    message: "9.5 is much",
    remedy: "wait",
    actions: ["annotate", "notify"],
  };
  const [mark, ...none] = marksOf({ ...NOTHING, events: [happened(fired), happened({ ...fired, step: 0 })] });
  expect(none).toEqual([]);
  expect(mark).toMatchObject({ kind: "spike", step: 70, x: 70, text: "loss spike at step 70: 9.5 is much" });
  expect(Object.fromEntries(mark?.facts ?? [])).toMatchObject({ Detector: "loss spike", Value: "9.500", "What is done": "annotate, notify" });
});

test("marks find their places over tokens and time", () => {
  const overSteps = { x: [1, 11, 21], count: [10, 10, 10] };
  const overTokens = { x: [64, 1664], count: [25, 5] };
  const xOf = stepsTo(overSteps, overTokens);
  expect([1, 11, 21, 26].map(xOf)).toEqual([64, 704, 1344, 1664]);
  expect(xOf(0)).toBe(64);
  const overTime = { x: [0, 1, 100], count: [10, 10, 10] };
  expect([1, 6, 11, 16].map(stepsTo(overSteps, overTime))).toEqual([0, 0.5, 1, 50.5]);
  expect(placed(marksOf({ ...NOTHING, events: [happened({ type: "TrainingHeld", step: 11 })] }), xOf)[0]).toMatchObject({ step: 11, x: 704 });
});
