const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** 3725 -> "1 h 2 min" */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const total = Math.max(0, seconds);
  if (total > 0 && total < 1) return `${String(Math.ceil(total * 1000))} ms`;
  if (total < 60) return `${String(Math.round(total))} s`;
  if (total < 3600) return `${String(Math.floor(total / 60))} min ${String(Math.floor(total % 60))} s`;
  if (total < 86_400) return `${String(Math.floor(total / 3600))} h ${String(Math.floor((total % 3600) / 60))} min`;
  return `${String(Math.floor(total / 86_400))} d ${String(Math.floor((total % 86_400) / 3600))} h`;
}

export function ago(iso: string | null, now: number): string {
  if (iso === null) return "–";
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${String(Math.floor(seconds))} s ago`;
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${String(Math.floor(seconds / 3600))} h ago`;
  return `${String(Math.floor(seconds / 86_400))} d ago`;
}

/** "in 2 d"; what is past or due is "any moment". */
export function until(iso: string, now: number): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (seconds < 5) return "any moment";
  if (seconds < 60) return `in ${String(Math.floor(seconds))} s`;
  if (seconds < 3600) return `in ${String(Math.floor(seconds / 60))} min`;
  if (seconds < 86_400) return `in ${String(Math.floor(seconds / 3600))} h`;
  return `in ${String(Math.floor(seconds / 86_400))} d`;
}

export function secondsBetween(from: string | null, to: string | null, now: number): number | null {
  if (from === null) return null;
  return ((to === null ? now : Date.parse(to)) - Date.parse(from)) / 1000;
}

export function exactTime(iso: string | number): string {
  return exact.format(new Date(iso));
}

export function clockTime(iso: string | number): string {
  return clock.format(new Date(iso));
}
