import { expect, test } from "vitest";
import { allows, LEGAL, whyNot } from "@/features/run/actions";
import { isPossible, learningRate, planOf, type Train } from "@/features/run/schedule";
import { changesIn } from "@/features/run/ReplayDialog";
import { changed, changesOf, FIELDS, textAt } from "@/features/run/tuning";
import { argumentsText, justAsked, lifeOf } from "@/features/run/useCommand";
import type { Command, Run, RunState } from "@/shared/api/types";
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

test("the same number in other letters is no change", () => {
  expect(changesOf(TRAIN, { "optimizer.lr": "1e-3", "optimizer.betas": "0.90,0.950", steps: " 100 " })).toEqual({});
  expect(changesOf(TRAIN, { "optimizer.lr": "" }), "what was emptied is for the server to refuse").toEqual({ optimizer: { lr: "" } });
  expect(changesOf(TRAIN, { "optimizer.lr": "NaN" })).toEqual({ optimizer: { lr: "NaN" } });
});

test("whatever cannot be asked says why, and only that", () => {
  const states: RunState[] = ["queued", "starting", "running", "pausing", "paused", "stopping", "succeeded", "failed", "stopped", "killed"];
  for (const state of states) {
    for (const type of Object.keys(LEGAL) as (keyof typeof LEGAL)[]) expect(whyNot({ state } as Run, type) === null, `${type} while ${state}`).toBe(allows({ state } as Run, type));
  }
  expect(whyNot({ state: "stopping" } as Run, "set_hyperparameters")).toContain("only be killed");
  expect(whyNot({ state: "paused" } as Run, "evaluate")).toContain("resume it first");
});

test("what is asked for stands in the list at once, as the server will tell it", () => {
  const asked = justAsked({ type: "pause", hold: true }, "me", Date.parse("2026-01-01T00:00:00Z"));
  expect(asked).toMatchObject({ type: "pause", arguments: { hold: true }, state: "requested", by: "me", created_at: "2026-01-01T00:00:00.000Z" });
  expect(lifeOf(asked)).toBe("being asked for");
  expect(justAsked({ type: "set_hyperparameters", changes: { steps: 5 } }, "me", 0).arguments).toEqual({ steps: 5 });
});

test("a replay repeats what was applied and still holds, in the order of the steps", () => {
  const command = (id: string, told: Partial<Command>) => ({ command_id: id, type: "set_hyperparameters", state: "applied", step: 1, undone: false, ...told }) as Command;
  const commands = [command("late", { step: 9 }), command("undone", { undone: true }), command("refused", { state: "rejected" }), command("pause", { type: "pause" }), command("early", { step: 2 })];
  expect(changesIn(commands).map(({ command_id }) => command_id)).toEqual(["early", "late"]);
});

test("what is refused is not drawn", () => {
  const plan = (optimizer: unknown, steps: unknown = 100) => planOf({ ...TRAIN, steps, optimizer } as Train);
  expect(isPossible(plan({ lr: 0.1 }), 50)).toBe(true);
  for (const lr of [-1, 0, "", "NaN", NaN]) expect(isPossible(plan({ lr }), 50), String(lr)).toBe(false);
  expect(isPossible(plan({ lr: 0.1 }, 49), 50), "steps that are behind it").toBe(false);
});
