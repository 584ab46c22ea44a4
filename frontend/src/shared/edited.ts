import { useEffect, useState } from "react";
import { Store, useStore } from "./store";

/** An edit that has not come back by then never does: another one overtook it. */
const LATE_MS = 2000;

/**
 * Text that is edited here and kept elsewhere, in the address, where it arrives later and comes back.
 *
 * `shown` changes with every edit; what comes back late does not undo the edits made since. What somebody else has put there does.
 */
export class Edited {
  readonly shown: Store<string>;
  private send: (text: string) => void = () => undefined;
  private underWay: { text: string; at: number }[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private there: string,
    private readonly waitMs: number,
  ) {
    this.shown = new Store(there);
  }

  /** Where edits go from now on. */
  sendBy(send: (text: string) => void): void {
    this.send = send;
  }

  /** Shown at once, and sent when no other edit has come for a while. */
  edit(text: string): void {
    clearTimeout(this.timer);
    this.shown.set(text);
    this.timer = setTimeout(() => this.pass(text), this.waitMs);
  }

  /** Shown and sent at once. */
  put(text: string): void {
    clearTimeout(this.timer);
    this.shown.set(text);
    this.pass(text);
  }

  /** What the address says now. */
  arrive(text: string): void {
    this.there = text;
    const awaited = this.awaited();
    const place = awaited.findIndex((edit) => edit.text === text);
    this.underWay = awaited.slice(place + 1);
    if (place >= 0) return;
    clearTimeout(this.timer);
    this.shown.set(text);
  }

  /** What is not sent by now stays unsent. */
  leave(): void {
    clearTimeout(this.timer);
  }

  private pass(text: string): void {
    this.underWay = this.awaited();
    if (text === this.there && this.underWay.length === 0) return;
    this.underWay.push({ text, at: Date.now() });
    this.send(text);
  }

  private awaited() {
    const since = Date.now() - LATE_MS;
    return this.underWay.filter(({ at }) => at > since);
  }
}

/** The text to show, and its editor. `text` is what the address says; `send` puts it there. */
export function useEdited(text: string, send: (text: string) => void, waitMs = 250): [string, Edited] {
  const [edited] = useState(() => new Edited(text, waitMs));
  useEffect(() => edited.sendBy(send));
  useEffect(() => edited.arrive(text), [edited, text]);
  useEffect(() => () => edited.leave(), [edited]);
  return [useStore(edited.shown), edited];
}
