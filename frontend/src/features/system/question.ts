import type { Query } from "@/shared/api/client";
import type { Span } from "@/shared/span";

export const BUCKETS = 400;
const EDGE = 2;

/** What to ask of a worker's history. Where it follows, up to the server's own now: live samples go on from there, and the browser's clock may be behind. */
export function questionOf([from, to]: Span, follows: boolean): Query {
  return { from: Math.max(0, from - EDGE), buckets: BUCKETS, ...(follows ? {} : { to: to + EDGE }) };
}
