import { Store } from "../store";
import { packFrame, readFrame, type ClientFrame, type ServerFrame } from "./frames";
import { Replay } from "./replay";
import { backoff, type ConnectionStatus } from "./status";
import { Topic, type TopicHandlers } from "./topics";

/** Thrown by `open` where nobody is signed in: trying again does not help. */
export class SignedOut extends Error {}

/** Close codes after which a ticket of that socket is no good: its hour is over, its right is gone. */
const ENDED: readonly number[] = [4401, 4403];
const HIDDEN_SECONDS = 15;

export interface Options {
  /**
   * A new socket, with its ticket in the address: the given one, or one that is asked for where it is null. Throws SignedOut, or anything
   * else where it is worth trying again.
   */
  open: (ticket: string | null) => Promise<WebSocket>;
  pingEveryMs?: number;
  /** How long ticket and handshake may take together. */
  openWithinMs?: number;
  random?: () => number;
}

/**
 * One socket for everybody: follows topics, reconnects, and goes on where it was.
 *
 * Handlers get every event of their topic once and in order; where that cannot be kept, `onHistory` tells them to load what was before, and
 * behind it they get what history may not have yet, whether they had it or not.
 */
export class WebSocketService {
  readonly status = new Store<ConnectionStatus>({ phase: "connecting" });
  private readonly topics = new Map<string, Topic>();
  private readonly replay = new Replay();
  private socket: WebSocket | null = null;
  private attempt = 0;
  private started = false;
  private generation = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private pinging: ReturnType<typeof setInterval> | undefined;
  private pinged: { id: number; at: number } | null = null;
  private latencyMs: number | null = null;
  /** To come back with after a cut; good once. */
  private ticket: string | null = null;
  private hidden = false;

  constructor(private readonly options: Options) {}

  start(): void {
    if (this.started) return;
    this.started = true;
    this.attempt = 0;
    this.status.set({ phase: "connecting" });
    void this.connect();
  }

  stop(): void {
    this.started = false;
    this.ticket = null;
    this.drop();
    this.status.set({ phase: "stopped" });
  }

  /** Do not wait any longer, neither for the next try nor for one under way: the network is back, or somebody looks at the page again. */
  retryNow(): void {
    if (this.status.get().phase === "signed-out") this.started = false;
    if (!this.started) return this.start();
    if (this.socket?.readyState === WebSocket.OPEN) return;
    this.drop();
    void this.connect();
  }

  /** Whether anybody can see the page. While nobody can, the server sends digests; afterwards history has what they left out. */
  setHidden(hidden: boolean): void {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    this.send({ type: "pace", every: hidden ? HIDDEN_SECONDS : 0 });
    if (hidden) return;
    for (const topic of this.topics.values()) if (topic.isIncomplete) this.startOver(topic);
  }

  /** Follow a topic; the same topic may be followed several times, and all of its followers start over with a new one. Returns how to leave. */
  subscribe(name: string, handlers: TopicHandlers): () => void {
    const topic = this.topics.get(name);
    if (topic) {
      topic.handlers.add(handlers);
      if (topic.refused) queueMicrotask(() => topic.handlers.has(handlers) && handlers.onHistory());
      else if (topic.position) this.startOver(topic);
    } else {
      const created = new Topic(name);
      created.handlers.add(handlers);
      this.topics.set(name, created);
      this.ask(created);
    }
    return () => this.leave(name, handlers);
  }

  private leave(name: string, handlers: TopicHandlers): void {
    const topic = this.topics.get(name);
    if (!topic?.handlers.delete(handlers) || topic.handlers.size > 0) return;
    this.topics.delete(name);
    if (topic.refused) return;
    this.send({ type: "unsubscribe", topic: name });
    const waiting = [...this.topics.values()].find(({ refused }) => refused);
    if (waiting) this.ask(waiting);
  }

  /** What came of the topic before is to be had from history, and what history has not yet from the server once more. */
  private startOver(topic: Topic): void {
    topic.startOver();
    this.ask(topic);
  }

  private ask(topic: Topic): void {
    this.send({ type: "subscribe", topic: topic.name, ...topic.ask() });
  }

  private send(frame: ClientFrame): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(packFrame(frame));
  }

  private async connect(): Promise<void> {
    const generation = ++this.generation;
    this.patience = setTimeout(() => this.lost(), this.options.openWithinMs ?? 10_000);
    try {
      const { ticket } = this;
      this.ticket = null;
      const socket = await this.options.open(ticket);
      if (generation !== this.generation || !this.started) return socket.close();
      this.listen(socket);
    } catch (thrown) {
      if (generation !== this.generation || !this.started) return;
      this.drop();
      if (thrown instanceof SignedOut) this.status.set({ phase: "signed-out" });
      else this.later();
    }
  }

  private listen(socket: WebSocket): void {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.opened();
    socket.onmessage = ({ data }) => this.received(readFrame(data));
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      if (ENDED.includes(code)) this.ticket = null;
      this.lost();
    };
  }

  private opened(): void {
    clearTimeout(this.patience);
    this.latencyMs = null;
    this.replay.begin(Date.now());
    this.status.set({ phase: "live", latencyMs: null });
    this.send({ type: "ticket" });
    if (this.hidden) this.send({ type: "pace", every: HIDDEN_SECONDS });
    for (const topic of this.topics.values()) this.ask(topic);
    this.ping();
    this.pinging = setInterval(() => this.ping(), this.options.pingEveryMs ?? 5000);
  }

  /** A ping that is still unanswered when the next one is due means that nobody is there. */
  private ping(): void {
    if (this.pinged) return this.lost();
    this.pinged = { id: Math.floor(Math.random() * 2 ** 31), at: performance.now() };
    this.send({ type: "ping", id: this.pinged.id });
    if (this.replay.isOver(Date.now())) this.showLive();
  }

  private received(frame: ServerFrame | null): void {
    if (frame === null) return;
    if (frame.type === "pong") return this.ponged(frame);
    if (frame.type === "ticket") return void (this.ticket = frame.ticket);
    if (frame.type === "error") return this.refused(frame);
    const topic = this.topics.get(frame.topic);
    if (!topic) return;
    const fresh = topic.take(frame);
    if (fresh === "hole") return this.ask(topic);
    // One that was under way when somebody looked again.
    if (frame.type === "digest" && !this.hidden && topic.isIncomplete) this.startOver(topic);
    this.replay.note(fresh, Date.now());
    if (this.replay.isOver(Date.now())) this.showLive();
    else this.status.set({ phase: "replaying", replayed: this.replay.points });
  }

  /** A topic that is refused would be so again by the next socket; anything else is worth a new one. */
  private refused({ topic: name }: Extract<ServerFrame, { type: "error" }>): void {
    if (name === undefined) this.lost();
    else this.topics.get(name)?.refuse();
  }

  private ponged({ id, positions }: Extract<ServerFrame, { type: "pong" }>): void {
    for (const [name, [epoch, seq]] of Object.entries(positions)) {
      const topic = this.topics.get(name);
      if (topic?.standsAt(epoch, seq) === false) this.ask(topic);
    }
    if (this.pinged?.id !== id) return;
    this.latencyMs = performance.now() - this.pinged.at;
    this.pinged = null;
    this.attempt = 0;
    if (this.replay.isOver(Date.now())) this.showLive();
  }

  private showLive(): void {
    const shown = this.status.get();
    if (shown.phase === "live" && shown.latencyMs === this.latencyMs) return;
    this.status.set({ phase: "live", latencyMs: this.latencyMs });
  }

  private lost(): void {
    this.drop();
    if (this.started) this.later();
  }

  private drop(): void {
    this.generation += 1;
    clearTimeout(this.retry);
    clearTimeout(this.patience);
    clearInterval(this.pinging);
    this.pinged = null;
    const { socket } = this;
    this.socket = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close();
  }

  private later(): void {
    this.attempt += 1;
    this.status.set({ phase: "reconnecting", attempt: this.attempt });
    this.retry = setTimeout(() => void this.connect(), backoff(this.attempt, this.options.random ?? Math.random));
  }
}
