import { expect, test } from "vitest";
import { allows, LEGAL } from "@/features/run/actions";
import { learningRate, planOf, type Train } from "@/features/run/schedule";
import { changed, changesOf, FIELDS, textAt } from "@/features/run/tuning";
import { argumentsText, lifeOf } from "@/features/run/useCommand";
import { marksOf } from "@/features/charts/marks";
import type { Command, Run } from "@/shared/api/types";
import rates from "./schedule.json";

const TRAIN = {
  steps: 100,
  batch_size: 12,
  optimizer: { lr: 0.001, weight_decay: 0.1, betas: [0.9, 0.95], grad_clip: 1 },
  schedule: { name: "cosine", warmup_steps: 10, final_fraction: 0.1 },
  evaluate: { every: 50 },
  checkpoint: { every: 50 },
  sample: { every: 50, prompts: ["a", "b"] },
} as unknown as Train;

test.each(rates)("the learning rate of $schedule.name is the trainer's", ({ steps, lr, schedule, rates: expected }) => {
  const plan = planOf({ ...TRAIN, steps, optimizer: { ...TRAIN.optimizer, lr }, schedule: schedule as Train["schedule"] });
  for (const [step, rate] of expected as [number, number][]) expect(learningRate(step, plan)).toBeCloseTo(rate, 12);
});

test("only what differs is sent, nested as the API takes it", () => {
  const typed = { "optimizer.lr": "0.002", "optimizer.betas": "0.8, 0.9", steps: "100", "schedule.name": "constant", "sample.prompts": "a\nc" };
  const changes = changesOf(TRAIN, typed);
  expect(changes).toEqual({ optimizer: { lr: 0.002, betas: [0.8, 0.9] }, schedule: { name: "constant" }, sample: { prompts: ["a", "c"] } });
  expect(changed(TRAIN, changes).optimizer).toEqual({ ...TRAIN.optimizer, lr: 0.002, betas: [0.8, 0.9] });
  expect(argumentsText(changes)).toBe('optimizer.lr 0.002, optimizer.betas [0.8,0.9], schedule.name constant, sample.prompts ["a","c"]');
});

test("what is no number goes to the server as it was typed", () => {
  expect(changesOf(TRAIN, { "optimizer.lr": "fast" })).toEqual({ optimizer: { lr: "fast" } });
});

test("every field shows the run as it is, and changes nothing untouched", () => {
  const typed = Object.fromEntries(FIELDS.map(({ path }) => [path, textAt(TRAIN, path)]));
  expect(Object.values(typed)).not.toContain("");
  expect(changesOf(TRAIN, typed)).toEqual({});
});

test("a command's life is told", () => {
  const command = { type: "pause", state: "applied", step: 1240, ranks: 8, reason: "", undone: false } as Command;
  expect(lifeOf(command)).toBe("applied at step 1,240 on 8 ranks");
  expect(lifeOf({ ...command, state: "rejected", reason: "too late" })).toBe("rejected: too late");
  expect(lifeOf({ ...command, undone: true })).toContain("undone");
});

test("no command is offered to a run that has ended", () => {
  for (const type of Object.keys(LEGAL) as (keyof typeof LEGAL)[]) {
    for (const state of ["succeeded", "failed", "stopped", "killed"] as const) expect(allows({ state } as Run, type)).toBe(false);
  }
});

test("changes, rollbacks, pauses and hangs are marked at their steps", () => {
  const marks = marksOf([], [], [
    { type: "HyperparametersChanged", command_id: "c", step: 5, old: {}, new: { "train.optimizer.lr": 0.1 }, replayed: false },
    { type: "RunRolledBack", command_id: "c", checkpoint_id: "k", old_step: 9, step: 4, by: "me" },
    { type: "TrainingHeld", step: 6 },
    { type: "HangDetected", step: 7, silent_seconds: 700 },
  ]);
  expect(marks.map(({ kind, x }) => [kind, x])).toEqual([["change", 5], ["rollback", 4], ["held", 6], ["hang", 7]]);
  expect(marks[0]?.text).toBe("optimizer.lr 0.1 from step 5 on");
});
