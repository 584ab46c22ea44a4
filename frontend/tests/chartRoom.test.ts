import { describe, expect, it } from "vitest";
import { makeRoom } from "@/features/charts/chartSetup";

function scale(min: number, max: number, options: object = {}, type = "linear") {
  return { min, max, type, options } as unknown as Parameters<typeof makeRoom>[0];
}

function roomOf(...of: Parameters<typeof scale>): [number, number] {
  const made = scale(...of);
  makeRoom(made);
  return [made.min, made.max];
}

describe("room above and below the data", () => {
  it("never goes below 0 for what is not negative", () => {
    expect(roomOf(0, 100)).toEqual([0, 102]);
    expect(roomOf(1, 101)).toEqual([0, 103]);
    expect(roomOf(50, 150)).toEqual([48, 152]);
  });
  it("is there below what is negative", () => {
    expect(roomOf(-1, 99)).toEqual([-3, 101]);
  });
  it("is not added to limits that were asked for, nor to logarithms, nor to no data", () => {
    expect(roomOf(0.5, 1.5, { min: 0.5, max: 1.5 })).toEqual([0.5, 1.5]);
    expect(roomOf(1, 1000, {}, "logarithmic")).toEqual([1, 1000]);
    expect(roomOf(Infinity, -Infinity)).toEqual([Infinity, -Infinity]);
  });
});
