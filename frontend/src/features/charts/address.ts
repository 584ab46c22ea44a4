import type { ViewAxis } from "./curve";

/** What all charts of a page show. */
export interface ViewWishes {
  axis: ViewAxis;
  from: number | undefined;
  to: number | undefined;
  log: boolean;
  /** 0 to below 1 */
  smoothing: number;
  /** Leave out what lies far from the rest. */
  clip: boolean;
  /** Earlier attempts too. */
  attempts: boolean;
}

/** How an address says it; what is as usual is left out. */
export type ViewSearch = Partial<Record<(typeof VIEW_SEARCH)[number], string>>;
export const VIEW_SEARCH = ["x", "from", "to", "smooth", "log", "clip", "attempts"] as const;

const AXES = ["step", "tokens", "time", "flops"] as const;
const MOST_SMOOTHING = 0.99;

export function wishesOf({ x, from, to, smooth, log, clip, attempts }: ViewSearch): ViewWishes {
  const smoothing = Math.min(Math.max(number(smooth) ?? 0, 0), MOST_SMOOTHING);
  const axis = AXES.find((known) => known === x) ?? "step";
  return { axis, from: number(from), to: number(to), smoothing, log: log === "1", clip: clip === "1", attempts: attempts === "all" };
}

export function searchOf({ axis, from, to, smoothing, log, clip, attempts }: ViewWishes): ViewSearch {
  const search: ViewSearch = {};
  const place = (value: number) => (axis === "time" ? value.toFixed(3) : axis === "flops" ? value.toPrecision(6) : String(Math.round(value)));
  if (axis !== "step") search.x = axis;
  if (from !== undefined) search.from = place(from);
  if (to !== undefined) search.to = place(to);
  if (smoothing > 0) search.smooth = String(smoothing);
  if (log) search.log = "1";
  if (clip) search.clip = "1";
  if (attempts) search.attempts = "all";
  return search;
}

/** As text, which is edited faster than an address (see `useEdited`). */
export function written(wishes: ViewWishes): string {
  return new URLSearchParams(searchOf(wishes)).toString();
}

export function read(text: string): ViewWishes {
  return wishesOf(Object.fromEntries(new URLSearchParams(text)));
}

function number(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || text === "" || !Number.isFinite(value) ? undefined : value;
}
