import type { Slot, Worker } from "../api/types";

const ONLINE = new Set<Worker["state"]>(["online", "draining"]);

/** Slots of the workers that are at work: what is halted, refused or lost trains nothing. */
export function slotsOnline(workers: readonly Worker[]): Slot[] {
  return workers.filter(({ state }) => ONLINE.has(state)).flatMap(({ slots }) => slots);
}
