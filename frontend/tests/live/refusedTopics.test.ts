import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClientFrame } from "@/shared/live/frames";
import { WebSocketService } from "@/shared/live/WebSocketService";
import { TestServer, step } from "./server";

const PLACES = 2;

let server: TestServer;
let service: WebSocketService;
let opened: number;
let followed: Set<string>;

/** What the monitor does with one topic more than it has places for. */
function answer(frame: ClientFrame): void {
  if (frame.type === "unsubscribe") followed.delete(frame.topic);
  if (frame.type !== "subscribe") return;
  const { topic } = frame;
  if (!followed.has(topic) && followed.size >= PLACES) return server.send({ type: "error", code: "too-many-topics", detail: "unsubscribe from one", topic });
  followed.add(topic);
  server.send({ type: "subscribed", topic, epoch: "e1", seq: 0 });
}

function follow(topic: string) {
  const seen = { history: 0, seqs: [] as number[] };
  const leave = service.subscribe(topic, {
    onEvents: (items) => void seen.seqs.push(...items.map(({ seq }) => seq)),
    onHistory: () => void (seen.history += 1),
  });
  return Object.assign(seen, { leave });
}

const asked = (topic: string) => server.asked.filter((frame) => frame.type === "subscribe" && frame.topic === topic).length;

beforeEach(async () => {
  server = await new TestServer().ready();
  server.onFrame = answer;
  followed = new Set();
  opened = 0;
  const open = () => {
    opened += 1;
    followed.clear();
    return Promise.resolve(new WebSocket(server.url));
  };
  service = new WebSocketService({ open, pingEveryMs: 20, random: () => 0 });
});

afterEach(async () => {
  service.stop();
  await server.close();
});

test("a topic that is refused leaves the socket and the others as they are", async () => {
  service.start();
  const [first, , third] = [follow("run_1"), follow("run_2"), follow("run_3")];
  await vi.waitFor(() => expect(third.history).toBe(1));
  server.send({ type: "events", topic: "run_1", epoch: "e1", items: [step(1)] });
  await vi.waitFor(() => expect(first.seqs).toEqual([1]));
  const late = follow("run_3");
  await vi.waitFor(() => expect(late.history).toBe(1));
  expect(service.status.get().phase).not.toBe("reconnecting");
  expect([opened, asked("run_3")]).toEqual([1, 1]);
});

test("it is followed as soon as another one is left, from where history ends", async () => {
  service.start();
  const [first, , third] = [follow("run_1"), follow("run_2"), follow("run_3")];
  await vi.waitFor(() => expect(third.history).toBe(1));
  first.leave();
  await vi.waitFor(() => expect(third.history).toBe(2));
  server.send({ type: "events", topic: "run_3", epoch: "e1", items: [step(1), step(2)] });
  await vi.waitFor(() => expect(third.seqs).toEqual([1, 2]));
  expect(server.asked.at(-1)).toEqual({ type: "subscribe", topic: "run_3", epoch: null, since: 0 });
  expect(opened).toBe(1);
});

test("one that is left while it waits takes nobody's place", async () => {
  service.start();
  const [first, , third] = [follow("run_1"), follow("run_2"), follow("run_3")];
  const fourth = follow("run_4");
  await vi.waitFor(() => expect(fourth.history).toBe(1));
  third.leave();
  first.leave();
  await vi.waitFor(() => expect(fourth.history).toBe(2));
  expect([...followed]).toEqual(["run_2", "run_4"]);
  expect(asked("run_3")).toBe(1);
});

test("an error that names no topic is worth a new socket", async () => {
  service.start();
  const seen = follow("run_1");
  await vi.waitFor(() => expect(seen.history).toBe(1));
  server.send({ type: "error", code: "bad-frame", detail: "type: what is that" });
  await vi.waitFor(() => expect(opened).toBe(2));
});
