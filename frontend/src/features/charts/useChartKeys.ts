import { useKeys } from "@/shared/keys";
import type { ViewWishes } from "./address";
import type { Pace } from "./zoom";

export type OnWishes = (change: Partial<ViewWishes>, pace: Pace) => void;

const USUAL_SMOOTHING = 0.9;

/** What keys do with all charts of the page. */
export function useChartKeys({ log, smoothing, clip, attempts }: ViewWishes, onChange: OnWishes, toggleFollow: () => void): void {
  useKeys({
    l: ["charts: log or linear axis", () => onChange({ log: !log }, "at once")],
    s: ["charts: smoothing on or off", () => onChange({ smoothing: smoothing > 0 ? 0 : USUAL_SMOOTHING }, "at once")],
    o: ["charts: clip outliers or not", () => onChange({ clip: !clip }, "at once")],
    a: ["charts: earlier attempts too or not", () => onChange({ attempts: !attempts }, "at once")],
    " ": ["charts: follow the newest points or stand still", toggleFollow],
  });
}
