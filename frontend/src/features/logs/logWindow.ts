import { call, path, type Query } from "@/shared/api/client";
import type { LogLine, LogPage } from "@/shared/api/types";

/** Which lines are looked for; `rank` empty: of all processes. */
export interface Question {
  runId: string;
  rank: string;
  q: string;
  errors: boolean;
}

/** A stretch of the log, or of what is looked for in it, as it was written. */
export interface LogWindow {
  lines: readonly LogLine[];
  /** Cursor of what is before; null where this is the beginning. */
  older: string | null;
  /** There is more behind it already. */
  more: boolean;
  /** The line to go on from. */
  next: number;
}

const PAGE = 1000;
/** A page older, a page newer: the longest that is kept while lines come. */
const MOST_LINES = 100_000;

export function searches({ q, errors }: Question): boolean {
  return q !== "" || errors;
}

/** What is looked for from its beginning; else the log around a line, or its end. */
export async function openWindow(question: Question, line: number | null, signal?: AbortSignal): Promise<LogWindow> {
  if (searches(question)) return withNewer({ lines: [], older: null, more: true, next: 0 }, await ask(question, { from_line: 0 }, signal));
  if (line === null) {
    const { items, next_cursor } = await ask(question, { order: "newest" }, signal);
    return { lines: items.reverse(), older: next_cursor, more: false, next: (items.at(-1)?.line ?? -1) + 1 };
  }
  const around = [ask(question, { order: "newest", cursor: line }, signal), ask(question, { from_line: line }, signal)] as const;
  const [before, after] = await Promise.all(around);
  return withNewer({ lines: before.items.reverse(), older: before.next_cursor, more: true, next: line }, after);
}

export function loadNewer(question: Question, { next }: LogWindow, signal?: AbortSignal): Promise<LogPage> {
  return ask(question, { from_line: next }, signal);
}

export function loadOlder(question: Question, cursor: string): Promise<LogPage> {
  return ask(question, { order: "newest", cursor });
}

/** `page` goes on from the window's `next`. What is longest ago is let go of when there is much. */
export function withNewer(known: LogWindow, page: LogPage): LogWindow {
  const more = page.next_cursor !== null;
  if (page.items.length === 0 && page.next_line === known.next && more === known.more) return known;
  const lines = [...known.lines, ...page.items];
  if (lines.length <= MOST_LINES * 1.2) return { ...known, lines, more, next: page.next_line };
  const kept = lines.slice(-MOST_LINES);
  return { lines: kept, older: String(kept[0]?.line), more, next: page.next_line };
}

/** `page` was asked for with `cursor`; it is left out where it no longer fits. */
export function withOlder(known: LogWindow, cursor: string, page: LogPage): LogWindow {
  if (known.older !== cursor) return known;
  return { ...known, lines: [...page.items.reverse(), ...known.lines], older: page.next_cursor };
}

/** The first that is looked for from line `from` on, or back from before it; null where there is none. */
export async function seek(question: Question, from: number, way: "next" | "previous"): Promise<LogLine | null> {
  let place: Query = way === "next" ? { from_line: from } : { order: "newest", cursor: from };
  for (;;) {
    const { items, next_cursor } = await ask(question, { limit: 1, ...place });
    if (items[0] || next_cursor === null) return items[0] ?? null;
    place = { ...place, cursor: next_cursor };
  }
}

function ask({ runId, rank, q, errors }: Question, query: Query, signal?: AbortSignal): Promise<LogPage> {
  const asked = { limit: PAGE, rank, q, errors: errors ? "true" : null, ...query };
  return call<LogPage>("GET", path`/api/v1/runs/${runId}/logs`, { query: asked, ...(signal && { signal }) });
}
