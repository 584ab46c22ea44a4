import { useEffect, useMemo, useRef, type RefObject } from "react";
import { zoomed, type Span } from "@/shared/span";
import type { ChartView } from "./ChartView";
import type { ViewWishes } from "./address";
import { moved, sensible, type Pace } from "./zoom";

export type OnZoom = (from: number | undefined, to: number | undefined, pace: Pace) => void;
export type Zoom = ReturnType<typeof useZoom>;

/** Changes of what is in sight, each from what was wished before it, whether that has been drawn by now or not. */
export function useZoom(view: RefObject<ChartView | null>, { axis, from, to }: ViewWishes, onZoom: OnZoom) {
  const latest = useRef({ axis, from, to, onZoom });
  const wish = useRef<Span | null>(null);
  useEffect(() => {
    latest.current = { axis, from, to, onZoom };
  });
  useEffect(() => {
    wish.current = null;
  }, [axis, from, to]);

  return useMemo(() => {
    const isZoomed = () => wish.current !== null || latest.current.from !== undefined || latest.current.to !== undefined;
    const span = (): Span => wish.current ?? [latest.current.from ?? 0, latest.current.to ?? view.current?.range[1] ?? 1];
    const show = (wished: Span, pace: Pace) => {
      wish.current = sensible(wished, latest.current.axis);
      latest.current.onZoom(...wish.current, pace);
    };
    return {
      span,
      show,
      /** Where a pixel is between the ends, 0 to 1. */
      shareAt: (pixel: number): number => {
        const [low, high] = view.current?.range ?? [0, 1];
        return Math.min(Math.max(((view.current?.valueAt(pixel) ?? low) - low) / (high - low), 0), 1);
      },
      by: (share: number, factor: number) => {
        if (factor < 1 || isZoomed()) show(zoomed(span(), share, factor), "gliding");
      },
      move: (share: number) => isZoomed() && show(moved(span(), share), "gliding"),
      all: () => isZoomed() && latest.current.onZoom(undefined, undefined, "at once"),
    };
  }, [view]);
}
