import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followSession, signedOut } from "@/app/session";
import type { Envelope } from "@/shared/api/types";
import { SignedOut, WebSocketService } from "@/shared/live/WebSocketService";
import { SilentServer, TestServer, step } from "./server";

let server: TestServer;
let service: WebSocketService;
let received: Envelope[];
let history: number;

const handlers = { onEvents: (items: readonly Envelope[]) => void received.push(...items), onHistory: () => void (history += 1) };
const seqs = () => received.map(({ seq }) => seq);

beforeEach(async () => {
  server = await new TestServer().ready();
  service = new WebSocketService({ open: () => Promise.resolve(new WebSocket(server.url)), pingEveryMs: 50, random: () => 0 });
  received = [];
  history = 0;
});

afterEach(async () => {
  service.stop();
  await server.close();
});

async function follow(seq = 0): Promise<() => void> {
  server.onFrame = ({ type }) => type === "subscribe" && server.send({ type: "subscribed", topic: "run_1", epoch: "e1", seq });
  service.start();
  const leave = service.subscribe("run_1", handlers);
  await vi.waitFor(() => expect(history).toBe(1));
  return leave;
}

function events(...items: Envelope[]): void {
  server.send({ type: "events", topic: "run_1", epoch: "e1", items });
}

test("a new topic begins where history ends", async () => {
  await follow(7);
  expect(server.asked).toEqual([{ type: "subscribe", topic: "run_1", epoch: null, since: 0 }]);
  events(step(8), step(9));
  await vi.waitFor(() => expect(seqs()).toEqual([8, 9]));
});

test("after a cut it resumes where it was, without asking for history again", async () => {
  await follow();
  events(step(1), step(2));
  await vi.waitFor(() => expect(seqs()).toEqual([1, 2]));
  server.onFrame = () => {
    server.send({ type: "subscribed", topic: "run_1", epoch: "e1", seq: 2 });
    events(step(3));
  };
  server.cut();
  await vi.waitFor(() => expect(seqs()).toEqual([1, 2, 3]));
  expect(server.asked.at(-1)).toEqual({ type: "subscribe", topic: "run_1", epoch: "e1", since: 2 });
  expect(history).toBe(1);
});

test("events that come twice are handed out once", async () => {
  await follow();
  events(step(1), step(2));
  events(step(2), step(3));
  await vi.waitFor(() => expect(seqs()).toEqual([1, 2, 3]));
});

test("a hole is asked for again, and nothing behind it is handed out before", async () => {
  await follow();
  server.onFrame = () => {
    server.send({ type: "subscribed", topic: "run_1", epoch: "e1", seq: 1 });
    events(step(2), step(3));
  };
  events(step(1));
  events(step(3));
  await vi.waitFor(() => expect(seqs()).toEqual([1, 2, 3]));
  expect(server.asked.at(-1)).toMatchObject({ epoch: "e1", since: 1 });
});

test("a reset asks for history and goes on from there", async () => {
  await follow();
  server.send({ type: "reset", topic: "run_1", epoch: "e2", seq: 40 });
  server.send({ type: "events", topic: "run_1", epoch: "e2", items: [{ ...step(41), epoch: "e2" }] });
  await vi.waitFor(() => expect(seqs()).toEqual([41]));
  expect(history).toBe(2);
});

test("an answer at another place than asked for is a reset", async () => {
  await follow();
  server.onFrame = () => server.send({ type: "subscribed", topic: "run_1", epoch: "e2", seq: 3 });
  server.cut();
  await vi.waitFor(() => expect(history).toBe(2));
});

test("who follows a known topic gets what history has not yet, though another one had it", async () => {
  await follow(7);
  events(step(8), step(9));
  await vi.waitFor(() => expect(seqs()).toEqual([8, 9]));
  const second: (number | "history")[] = [];
  service.subscribe("run_1", { onEvents: (items) => void second.push(...items.map(({ seq }) => seq)), onHistory: () => void second.push("history") });
  await vi.waitFor(() => expect(second).toEqual(["history"]));
  expect(history).toBe(2);
  expect(server.asked.at(-1)).toEqual({ type: "subscribe", topic: "run_1", epoch: null, since: 0 });
  events(step(8), step(9), step(10));
  await vi.waitFor(() => expect(second).toEqual(["history", 8, 9, 10]));
});

test("a topic is left when its last follower leaves", async () => {
  const leave = await follow();
  const second = service.subscribe("run_1", { onEvents: () => undefined, onHistory: () => void (history += 1) });
  await vi.waitFor(() => expect(history).toBe(3));
  leave();
  service.subscribe("other", handlers);
  await vi.waitFor(() => expect(server.asked.at(-1)).toMatchObject({ topic: "other" }));
  expect(server.asked.filter(({ type }) => type === "unsubscribe")).toEqual([]);
  second();
  await vi.waitFor(() => expect(server.asked.at(-1)).toEqual({ type: "unsubscribe", topic: "run_1" }));
});

test("latency is measured, and silence ends the connection", async () => {
  await follow();
  await vi.waitFor(() => expect(service.status.get()).toMatchObject({ phase: "live", latencyMs: expect.any(Number) as number }));
  server.answerPings = false;
  await vi.waitFor(() => expect(service.status.get().phase).toBe("reconnecting"));
  server.answerPings = true;
  await vi.waitFor(() => expect(service.status.get().phase).toBe("live"));
});

test("it keeps trying while the server is away", async () => {
  await follow();
  const { port } = server;
  await server.close();
  await vi.waitFor(() => expect(service.status.get()).toMatchObject({ phase: "reconnecting" }));
  server = await new TestServer(port).ready();
  await vi.waitFor(() => expect(service.status.get().phase).toBe("live"));
});

test("old events after a reconnect count as replayed, until fresh ones come", async () => {
  await follow();
  events(step(1));
  await vi.waitFor(() => expect(seqs()).toEqual([1]));
  const longAgo = Date.now() / 1000 - 60;
  server.onFrame = () => {
    server.send({ type: "subscribed", topic: "run_1", epoch: "e1", seq: 1 });
    events(step(2, 1, longAgo), step(3, 1, longAgo));
  };
  server.cut();
  await vi.waitFor(() => expect(service.status.get()).toEqual({ phase: "replaying", replayed: 2 }));
  events(step(4));
  await vi.waitFor(() => expect(service.status.get().phase).toBe("live"), { timeout: 4000 });
});

test("who is signed out is not connected again and again", async () => {
  let asked = 0;
  let signedIn = false;
  const open = () => {
    asked += 1;
    return signedIn ? Promise.resolve(new WebSocket(server.url)) : Promise.reject(new SignedOut());
  };
  service = new WebSocketService({ open, random: () => 0 });
  followSession(service.status);
  service.start();
  await vi.waitFor(() => expect(service.status.get().phase).toBe("signed-out"));
  expect(signedOut.get()).toBe(true);
  signedIn = true;
  service.retryNow();
  await vi.waitFor(() => expect(service.status.get().phase).toBe("live"));
  expect(asked).toBe(2);
});

test("a ticket that does not come, and a handshake that is not answered, are given up", async () => {
  const silent = await new SilentServer().ready();
  let asked = 0;
  const open = () => {
    asked += 1;
    if (asked === 1) return new Promise<WebSocket>(() => undefined);
    return Promise.resolve(new WebSocket(asked === 2 ? silent.url : server.url));
  };
  service = new WebSocketService({ open, openWithinMs: 100, random: () => 0 });
  service.start();
  await vi.waitFor(() => expect(service.status.get().phase).toBe("live"), { timeout: 5000 });
  expect(asked).toBeGreaterThanOrEqual(3);
  await silent.close();
});

test("to try again now does not wait for a handshake under way", async () => {
  const silent = await new SilentServer().ready();
  const urls = [silent.url, server.url];
  service = new WebSocketService({ open: () => Promise.resolve(new WebSocket(urls.shift() ?? "ws://asked.too.often")) });
  service.start();
  await silent.knocked;
  service.retryNow();
  await vi.waitFor(() => expect(service.status.get().phase).toBe("live"));
  service.retryNow();
  expect(service.status.get().phase).toBe("live");
  await silent.close();
});
