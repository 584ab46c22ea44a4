import type { Envelope } from "../api/types";
import type { Position, ServerFrame } from "./frames";

export interface TopicHandlers {
  /** New events, in order, each exactly once since `onHistory` was called last. */
  onEvents(items: readonly Envelope[]): void;
  /** What lies before the next events is to be had from history: at the beginning, and whenever events were missed for good. */
  onHistory(): void;
}

type TopicFrame = Extract<ServerFrame, { topic: string }>;

/** What we follow of one topic. `position`: of the last event that was handed out; null before the server has said where we stand. */
export class Topic {
  readonly handlers = new Set<TopicHandlers>();
  position: Position | null = null;
  /** The server has no place for it on this socket; it is asked for again as soon as another topic is left. */
  refused = false;
  /** We have asked and not heard where we stand; what comes in between belongs to an earlier question. */
  private asking = false;
  /** Digests have left events out, which history has. */
  isIncomplete = false;

  constructor(readonly name: string) {}

  /** What to subscribe with. */
  ask(): { epoch: string | null; since: number } {
    this.asking = true;
    this.refused = false;
    return { epoch: this.position?.epoch ?? null, since: this.position?.seq ?? 0 };
  }

  /** It is not followed for now: history has what there is, and tells once more when there is a place. */
  refuse(): void {
    this.refused = true;
    this.position = null;
    for (const handler of [...this.handlers]) handler.onHistory();
  }

  /** Take in one frame. Returns the new events; "hole" where some are missing in between. */
  take(frame: TopicFrame): readonly Envelope[] | "hole" {
    if (frame.type === "events") return this.takeEvents(frame.epoch, frame.items);
    if (frame.type === "digest") return this.takeDigest(frame);
    const resumed = frame.type === "subscribed" && this.position?.epoch === frame.epoch && this.position.seq === frame.seq;
    this.asking = false;
    this.position = { epoch: frame.epoch, seq: frame.seq };
    if (resumed) return [];
    this.isIncomplete = false;
    for (const handler of [...this.handlers]) handler.onHistory();
    return [];
  }

  private takeEvents(epoch: string, items: readonly Envelope[]): readonly Envelope[] | "hole" {
    if (this.asking) return [];
    const position = this.position;
    if (position?.epoch !== epoch) return "hole";
    const fresh = items.filter((item) => item.seq > position.seq);
    const [first] = fresh;
    const last = fresh.at(-1);
    if (!first || !last) return [];
    if (first.seq !== position.seq + 1) return "hole";
    this.position = { epoch, seq: last.seq };
    for (const handler of [...this.handlers]) handler.onEvents(fresh);
    return fresh;
  }

  private takeDigest({ epoch, since, seq, items, left_out }: Extract<ServerFrame, { type: "digest" }>): readonly Envelope[] | "hole" {
    if (this.asking) return [];
    const position = this.position;
    if (position?.epoch !== epoch || since !== position.seq) return "hole";
    this.position = { epoch, seq };
    this.isIncomplete ||= Object.keys(left_out).length > 0;
    for (const handler of [...this.handlers]) handler.onEvents(items);
    return items;
  }

  /**
   * What was before is to be had from history. It is written later than events are heard, so the server is to say where it ends: what comes
   * behind that is sent again.
   */
  startOver(): void {
    this.position = null;
    this.isIncomplete = false;
  }

  /** Whether we stand where the server says that it has brought us. */
  standsAt(epoch: string, seq: number): boolean {
    return this.asking || (this.position?.epoch === epoch && this.position.seq === seq);
  }
}
