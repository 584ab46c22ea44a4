/** Distances between ticks, in seconds, that people count in. */
const ROUND = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Round times of the day within a span of seconds since 1970, at most `most`. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const step = ROUND.find((seconds) => (to - from) / seconds <= most) ?? Math.ceil((to - from) / most / 604_800) * 604_800;
  const shift = new Date(from * 1000).getTimezoneOffset() * 60;
  const first = Math.ceil((from - shift) / step) * step + shift;
  const ticks = [];
  for (let tick = first; tick <= to; tick += step) ticks.push(tick);
  return ticks;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const moment = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** As exact as the distance between ticks asks for. */
export function timeText(second: number, width: number): string {
  const at = new Date(second * 1000);
  if (width < 600) return seconds.format(at);
  if (width < 86_400) return clock.format(at);
  return width < 4 * 86_400 ? moment.format(at) : day.format(at);
}
