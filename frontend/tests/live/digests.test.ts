import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Envelope } from "@/shared/api/types";
import { WebSocketService } from "@/shared/live/WebSocketService";
import { TestServer, step } from "./server";

let server: TestServer;
let service: WebSocketService;
let received: number[];
let history: number;
let tickets: (string | null)[];

beforeEach(async () => {
  server = await new TestServer().ready();
  tickets = [];
  const open = (ticket: string | null) => {
    tickets.push(ticket);
    return Promise.resolve(new WebSocket(server.url));
  };
  service = new WebSocketService({ open, pingEveryMs: 50, random: () => 0 });
  received = [];
  history = 0;
});

afterEach(async () => {
  service.stop();
  await server.close();
});

async function follow(seq = 0): Promise<void> {
  server.onFrame = ({ type }) => type === "subscribe" && server.send({ type: "subscribed", topic: "run_1", epoch: "e1", seq });
  service.start();
  const onEvents = (items: readonly Envelope[]) => void received.push(...items.map((item) => item.seq));
  service.subscribe("run_1", { onEvents, onHistory: () => void (history += 1) });
  await vi.waitFor(() => expect(history).toBe(1));
}

function digest(since: number, seq: number, left: Record<string, number>, ...items: Envelope[]): void {
  server.send({ type: "digest", topic: "run_1", epoch: "e1", since, seq, left_out: left, items });
}

/** The last thing that was asked for is the topic, from where history ends. */
async function askedFromHistory(): Promise<void> {
  await vi.waitFor(() => expect(server.asked.at(-1)).toEqual({ type: "subscribe", topic: "run_1", epoch: null, since: 0 }));
}

test("a hidden page asks for digests; once it is seen, history is asked for what they left out, and the server for what history has not yet", async () => {
  await follow();
  service.setHidden(true);
  await vi.waitFor(() => expect(server.asked.at(-1)).toMatchObject({ type: "pace" }));
  digest(0, 40, { StepCompleted: 38 }, step(39), step(40));
  digest(40, 41, {}, step(41));
  await vi.waitFor(() => expect(received).toEqual([39, 40, 41]));
  expect(history).toBe(1);
  server.onFrame = ({ type }) => type === "subscribe" && server.send({ type: "subscribed", topic: "run_1", epoch: "e1", seq: 30 });
  server.asked.length = 0;
  service.setHidden(false);
  await askedFromHistory();
  expect(server.asked.map(({ type }) => type)).toEqual(["pace", "subscribe"]);
  await vi.waitFor(() => expect(history).toBe(2));
  received.length = 0;
  server.send({ type: "events", topic: "run_1", epoch: "e1", items: Array.from({ length: 12 }, (_, index) => step(31 + index)) });
  await vi.waitFor(() => expect(received).toEqual([31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42]));
  service.setHidden(true);
  service.setHidden(false);
  await vi.waitFor(() => expect(server.asked.filter(({ type }) => type === "pace")).toHaveLength(3));
  expect(history, "nothing is missing any more").toBe(2);
});

test("a digest that comes when somebody looks again asks at once", async () => {
  await follow();
  digest(0, 40, { StepCompleted: 39 }, step(40));
  await askedFromHistory();
  await vi.waitFor(() => expect(history).toBe(2));
  expect(received).toEqual([40]);
});

test("digests that left nothing out need no history", async () => {
  await follow();
  service.setHidden(true);
  digest(0, 2, {}, step(1), step(2));
  await vi.waitFor(() => expect(received).toEqual([1, 2]));
  service.setHidden(false);
  expect(history).toBe(1);
});

test("a digest from another place is a hole", async () => {
  await follow();
  digest(5, 9, {}, step(9));
  await vi.waitFor(() => expect(server.asked.filter(({ type }) => type === "subscribe")).toHaveLength(2));
  expect(received).toEqual([]);
});

test("a page that is hidden when it comes back says so before it asks for anything", async () => {
  await follow();
  service.setHidden(true);
  await vi.waitFor(() => expect(server.asked.at(-1)).toMatchObject({ type: "pace" }));
  server.asked.length = 0;
  server.cut();
  await vi.waitFor(() => expect(server.asked.map(({ type }) => type)).toEqual(["pace", "subscribe"]));
});

test("the server's own account of where we stand shows what was lost", async () => {
  await follow();
  server.positions = { run_1: ["e1", 0] };
  server.send({ type: "events", topic: "run_1", epoch: "e1", items: [] });
  await vi.waitFor(() => expect(service.status.get()).toMatchObject({ phase: "live", latencyMs: expect.any(Number) as number }));
  expect(server.asked).toHaveLength(1);
  server.onFrame = () => {
    server.send({ type: "subscribed", topic: "run_1", epoch: "e1", seq: 0 });
    server.send({ type: "events", topic: "run_1", epoch: "e1", items: [step(1)] });
  };
  server.positions = { run_1: ["e1", 1] };
  await vi.waitFor(() => expect(received).toEqual([1]));
});

test("it comes back with the ticket it was given, once, and asks for another one where that does not help", async () => {
  server.ticket = "back";
  await follow();
  await vi.waitFor(() => expect(service.status.get()).toMatchObject({ latencyMs: expect.any(Number) as number }));
  server.ticket = null;
  server.cut();
  await vi.waitFor(() => expect(tickets).toEqual([null, "back"]));
  await vi.waitFor(() => expect(server.sockets.size).toBe(1));
  server.cut();
  await vi.waitFor(() => expect(tickets).toEqual([null, "back", null]));
});

test.each([4401, 4403])("after close code %i its ticket is no good any more", async (code) => {
  server.ticket = "back";
  await follow();
  await vi.waitFor(() => expect(service.status.get()).toMatchObject({ latencyMs: expect.any(Number) as number }));
  for (const socket of server.sockets) socket.close(code);
  await vi.waitFor(() => expect(tickets).toEqual([null, null]));
});
