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
  | { type: "ping"; id: number };

export type ServerFrame =
  | { type: "subscribed"; topic: string; epoch: string; seq: number }
  | { type: "events"; topic: string; epoch: string; items: Envelope[] }
  | { type: "reset"; topic: string; epoch: string; seq: number }
  | { type: "pong"; id: number }
  | { type: "error"; code: string; detail: string };

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
