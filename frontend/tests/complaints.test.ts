import { expect, test } from "vitest";
import { complaintsOf, missingIn, untoldIn } from "@/features/new-run/complaints";

const DRAFT = { name: "", dataset: "plays", train: { steps: 0 } };
const NAMELESS = { field: "name", message: "Field required" };
const STEPLESS = { field: "train.steps", message: "must be at least 1" };
const ELSEWHERE = { field: "train.optimizer.betas.0", message: "must be below 1" };
const said = { draft: DRAFT, found: [NAMELESS, STEPLESS], refused: [], tried: false };

test("that something is not there yet is said when somebody tries without it", () => {
  expect(missingIn(DRAFT)).toEqual(["name"]);
  expect(complaintsOf(said)).toEqual([STEPLESS]);
  expect(complaintsOf({ ...said, tried: true })).toEqual([NAMELESS, STEPLESS]);
});

test("what is missing is told before the server has been asked", () => {
  expect(complaintsOf({ ...said, found: [], tried: true })).toEqual([{ field: "name", message: "is needed" }]);
});

test("what was refused comes first, and nothing is told twice", () => {
  expect(complaintsOf({ ...said, refused: [ELSEWHERE, STEPLESS] })).toEqual([ELSEWHERE, STEPLESS]);
});

test("every view tells every complaint once", () => {
  const complaints = complaintsOf({ ...said, found: [NAMELESS, STEPLESS, ELSEWHERE], tried: true });
  expect(untoldIn("form", complaints)).toEqual([ELSEWHERE]);
  expect(untoldIn("yaml", complaints)).toEqual([]);
  expect(untoldIn("curl", complaints)).toEqual(complaints);
});
