import { expect, test } from "vitest";
import { picked, stepped, within } from "@/features/system/stretch";
import type { Span } from "@/shared/span";

test("steps in lead to the narrowest stretch and no further", () => {
  let span: Span = [1000, 1100];
  for (let step = 0; step < 30; step += 1) {
    const next = stepped(span, "in", null);
    expect(next[1] - next[0]).toBeLessThanOrEqual(span[1] - span[0]);
    span = next;
  }
  expect(span[1] - span[0]).toBe(5);
  expect(stepped(span, "out", null)[1] - stepped(span, "out", null)[0]).toBeGreaterThan(5);
});

test("a step is about the crosshair where it is in sight, else about the middle", () => {
  expect(stepped([0, 1000], "in", 250)).toEqual([50, 850]);
  expect(stepped([0, 1000], "in", 5000)).toEqual([100, 900]);
  expect(stepped([100, 900], "out", null)).toEqual([0, 1000]);
});

test("what is wished ends with what there is, and all of it is no zoom", () => {
  expect(within([50, 250], [100.4, 200.6])).toBeNull();
  expect(within([50, 150], [100.4, 200.6])).toEqual([100, 150]);
  expect(within([150, 250], [100.4, 200.6])).toEqual([150, 201]);
  expect(within([300, 400], [100, 200]), "of a link").toEqual([300, 400]);
});

test("what is picked is whole seconds, enough to see something", () => {
  expect(picked(10.7, 30.2)).toEqual([10, 31]);
  expect(picked(10.7, 11)).toEqual([10, 15]);
});
