import { useEffect, useRef, type PointerEvent, type RefObject } from "react";
import type { Store } from "@/shared/store";
import type { ChartView } from "./ChartView";

const LEAST_PIXELS = 6;
const WHEEL_STEP = 1.25;

type OnZoom = (from: number | undefined, to: number | undefined) => void;

/** Pointer handling of one chart: crosshair, drag to zoom, wheel with Ctrl, double click to show all. */
export function useGestures(view: RefObject<ChartView | null>, hovered: Store<number | null>, onZoom: OnZoom) {
  const from = useRef<number | null>(null);
  const element = useRef<HTMLDivElement>(null);
  const zoom = useRef(onZoom);
  useEffect(() => {
    zoom.current = onZoom;
  });

  // React's wheel handlers are passive and could not keep the page from zooming.
  useEffect(() => {
    const target = element.current;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const chart = view.current;
      if (!chart) return;
      const [low, high] = chart.range;
      const middle = chart.valueAt(event.offsetX);
      const factor = event.deltaY > 0 ? WHEEL_STEP : 1 / WHEEL_STEP;
      zoom.current(Math.max(0, middle - (middle - low) * factor), middle + (high - middle) * factor);
    };
    target?.addEventListener("wheel", wheel, { passive: false });
    return () => target?.removeEventListener("wheel", wheel);
  }, [view]);

  const place = (event: PointerEvent<HTMLElement>) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  const finish = () => {
    from.current = null;
    view.current?.select(null);
  };
  return {
    ref: element,
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from.current = place(event);
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const chart = view.current;
      if (!chart) return;
      hovered.set(chart.valueAt(place(event)));
      if (from.current !== null) chart.select([from.current, place(event)]);
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => {
      const chart = view.current;
      const start = from.current;
      finish();
      if (!chart || start === null || Math.abs(place(event) - start) < LEAST_PIXELS) return;
      const ends = [chart.valueAt(start), chart.valueAt(place(event))].sort((a, b) => a - b);
      zoom.current(Math.max(0, ends[0] ?? 0), ends[1]);
    },
    onPointerLeave: () => hovered.set(null),
    onPointerCancel: finish,
    onDoubleClick: () => zoom.current(undefined, undefined),
  };
}
