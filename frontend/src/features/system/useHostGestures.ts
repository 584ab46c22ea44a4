import { useEffect, useRef, type KeyboardEvent, type PointerEvent, type RefObject } from "react";
import { Pointers } from "@/shared/Pointers";
import type { Span } from "@/shared/span";
import type { Store } from "@/shared/store";
import type { TimeChart } from "./TimeChart";
import { picked, stepped } from "./stretch";

interface Wishes {
  span: Span;
  hovered: Store<number | null>;
  /** Without a span: all of it. */
  onZoom: (span?: Span) => void;
}

/** By key the crosshair moves a fiftieth of what is in sight. */
const MOVES = 50;

/** What hands do with one chart of a host: crosshair, drag to zoom, keys, double click to show all. */
export function useHostGestures(chart: RefObject<TimeChart | null>, { span, hovered, onZoom }: Wishes) {
  const pointers = usePointers(chart, onZoom);
  const place = (event: PointerEvent<HTMLElement>) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  const move = (direction: 1 | -1) => hovered.set(Math.min(Math.max((hovered.get() ?? span[1]) + (direction * (span[1] - span[0])) / MOVES, span[0]), span[1]));
  const zoom = (way: "in" | "out") => onZoom(stepped(span, way, hovered.get()));
  const leave = () => hovered.set(null);
  const keys: Record<string, () => void> = { ArrowLeft: () => move(-1), ArrowRight: () => move(1), "+": () => zoom("in"), "=": () => zoom("in"), "-": () => zoom("out"), "0": () => onZoom(), Escape: leave };
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      pointers.current?.down(event.pointerId, place(event));
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (chart.current) hovered.set(chart.current.secondAt(place(event)));
      pointers.current?.move(event.pointerId, place(event));
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => pointers.current?.up(event.pointerId, place(event)),
    onPointerCancel: (event: PointerEvent<HTMLElement>) => pointers.current?.cancel(event.pointerId),
    onPointerLeave: leave,
    onBlur: leave,
    onDoubleClick: () => onZoom(),
    onKeyDown: (event: KeyboardEvent) => {
      const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    },
  };
}

function usePointers(chart: RefObject<TimeChart | null>, onZoom: (span: Span) => void): RefObject<Pointers | null> {
  const pointers = useRef<Pointers>(null);
  const latest = useRef(onZoom);
  useEffect(() => {
    latest.current = onZoom;
  });
  useEffect(() => {
    pointers.current = new Pointers({
      select: (range) => chart.current?.select(range),
      pick: ([left, right]) => chart.current && latest.current(picked(chart.current.secondAt(left), chart.current.secondAt(right))),
    });
  }, [chart]);
  return pointers;
}
