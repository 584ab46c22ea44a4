/** Where a box is scrolled to, in pixels, as elements have it. */
export type Place = Pick<Element, "scrollTop" | "scrollHeight" | "clientHeight">;

const NEARLY = 2;

/** Whether somebody has scrolled back from the end, by wheel, keys, finger or bar. New lines and fewer lines (a search) are not that. */
export function goesBack(before: Place, now: Place): boolean {
  const toEnd = now.scrollHeight - now.clientHeight - now.scrollTop;
  return now.scrollTop < before.scrollTop && toEnd > NEARLY;
}
