import { decode, encode } from "@msgpack/msgpack";
import type { Envelope } from "../api/types";

/** Where a reader stands in a topic. */
export interface Position {
  epoch: string;
  seq: number;
}

export type ClientFrame =
  | { type: "subscribe"; topic: string; epoch: string | null; since: number }
  | { type: "unsubscribe"; topic: string }
  | { type: "ping"; id: number }
  /** Nobody looks: a digest every so many seconds is enough. 0: every event at once. */
  | { type: "pace"; every: number }
  /** For a ticket to come back with. */
  | { type: "ticket" };

export type ServerFrame =
  | { type: "subscribed"; topic: string; epoch: string; seq: number }
  | { type: "events"; topic: string; epoch: string; items: Envelope[] }
  | { type: "reset"; topic: string; epoch: string; seq: number }
  /** Everything behind `since` up to `seq`: what changed a state, the last of the rest, and how many of which type were left out. */
  | { type: "digest"; topic: string; epoch: string; since: number; seq: number; left_out: Record<string, number>; items: Envelope[] }
  /** `positions`: where we must stand in each topic when we read this. */
  | { type: "pong"; id: number; positions: Record<string, [epoch: string, seq: number]> }
  | { type: "ticket"; ticket: string }
  /** `topic`: the one that is refused; the socket and its other topics go on. */
  | { type: "error"; code: string; detail: string; topic?: string };

export function packFrame(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode(frame));
}

/** Null for what is no frame of ours. */
export function readFrame(data: unknown): ServerFrame | null {
  if (!(data instanceof ArrayBuffer)) return null;
  try {
    const value = decode(data) as ServerFrame | null;
    return typeof value === "object" && value !== null && typeof value.type === "string" ? value : null;
  } catch {
    return null;
  }
}
