import { decode, encode } from "@msgpack/msgpack";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { WebSocketServer, type WebSocket as ServerSocket } from "ws";
import type { Envelope } from "@/shared/api/types";
import type { ClientFrame, ServerFrame } from "@/shared/live/frames";

/** A real WebSocket server that answers as it is told and remembers what it was asked. */
export class TestServer {
  readonly asked: ClientFrame[] = [];
  readonly sockets = new Set<ServerSocket>();
  answerPings = true;
  positions: Record<string, [string, number]> = {};
  /** To come back with. */
  ticket: string | null = null;
  onFrame: (frame: ClientFrame, server: TestServer) => void = () => undefined;
  private readonly server: WebSocketServer;

  constructor(port = 0) {
    this.server = new WebSocketServer({ port, host: "127.0.0.1" });
    this.server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("message", (data: Buffer) => this.take(decode(data) as ClientFrame));
    });
  }

  async ready(): Promise<this> {
    await new Promise<void>((resolve) => (this.server.address() ? resolve() : this.server.once("listening", resolve)));
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${String(this.port)}/ws/v1`;
  }

  send(frame: ServerFrame): void {
    for (const socket of this.sockets) socket.send(encode(frame));
  }

  cut(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private take(frame: ClientFrame): void {
    if (frame.type === "ping") {
      if (this.answerPings) this.send({ type: "pong", id: frame.id, positions: this.positions });
      return;
    }
    if (frame.type === "ticket") {
      if (this.ticket) this.send({ type: "ticket", ticket: this.ticket });
      return;
    }
    this.asked.push(frame);
    this.onFrame(frame, this);
  }
}

export function step(seq: number, value = 1, at = Date.now() / 1000): Envelope {
  const event = { type: "StepCompleted", step: seq, tokens: seq * 10, metrics: { "train/loss": value } } as const;
  return { run_id: "run_1", attempt: 1, fence: 1, producer: "p", producer_seq: seq, at, event, epoch: "e1", seq };
}

/** Accepts connections and says nothing. */
export class SilentServer {
  /** Somebody has come. */
  readonly knocked: Promise<void>;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => this.sockets.add(socket.on("error", () => undefined)));

  constructor() {
    this.knocked = new Promise((resolve) => this.server.once("connection", () => resolve()));
  }

  async ready(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `ws://127.0.0.1:${String((this.server.address() as AddressInfo).port)}/ws/v1`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
