import { useEffect, useRef, type KeyboardEvent, type PointerEvent, type RefObject } from "react";
import { Pointers } from "@/shared/Pointers";
import type { Span } from "@/shared/span";
import type { Store } from "@/shared/store";
import type { ChartView } from "./ChartView";
import type { ViewWishes } from "./address";
import type { Mark } from "./marks";
import { useZoom, type OnZoom, type Zoom } from "./useZoom";
import { pinched } from "./zoom";

/** What hands can do with the marks of a chart. */
export interface OnMarks {
  open: (marks: readonly Mark[], opener: HTMLElement | null) => void;
  /** Those of a place that was reached by key. */
  tell: (marks: readonly Mark[]) => void;
}

const ZOOM_STEP = 1.25;
const MOVE_SHARE = 0.2;

/** What hands do with one chart: crosshair, drag or pinch, wheel with Ctrl, keys, double click to show all; click or Enter opens a mark. */
export function useGestures(view: RefObject<ChartView | null>, hovered: Store<number | null>, wishes: ViewWishes, onZoom: OnZoom, onMarks: OnMarks) {
  const zoom = useZoom(view, wishes, onZoom);
  const element = useWheel(zoom);
  const open = (marks: readonly Mark[] = []) => marks.length > 0 && onMarks.open(marks, element.current);
  const pointers = usePointers(view, zoom, (pixel) => open(view.current?.marksAtPixel(pixel)));
  const walk = useWalk(view, hovered, onMarks);
  const act: Record<string, () => void> = { ".": walk.on, ",": walk.back, Enter: () => open(view.current?.marksAtValue(hovered.get())), Escape: walk.end };
  const place = (event: PointerEvent<HTMLElement>) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  return {
    ref: element,
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      pointers.current?.down(event.pointerId, place(event));
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (view.current) hovered.set(view.current.valueAt(place(event)));
      event.currentTarget.style.cursor = view.current?.marksAtPixel(place(event)).length ? "pointer" : "";
      pointers.current?.move(event.pointerId, place(event));
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => pointers.current?.up(event.pointerId, place(event)),
    onPointerCancel: (event: PointerEvent<HTMLElement>) => pointers.current?.cancel(event.pointerId),
    onPointerLeave: () => hovered.set(null),
    onBlur: () => hovered.set(null),
    onDoubleClick: zoom.all,
    onKeyDown: (event: KeyboardEvent) => {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      const zooms = KEYS[event.key];
      const done = plain && (zooms ? () => zooms(zoom) : act[event.key]);
      if (!done) return;
      event.preventDefault();
      done();
    },
  };
}

const KEYS: Record<string, (zoom: Zoom) => void> = {
  "+": (zoom) => zoom.by(0.5, 1 / ZOOM_STEP),
  "=": (zoom) => zoom.by(0.5, 1 / ZOOM_STEP),
  "-": (zoom) => zoom.by(0.5, ZOOM_STEP),
  "0": (zoom) => zoom.all(),
  ArrowLeft: (zoom) => zoom.move(-MOVE_SHARE),
  ArrowRight: (zoom) => zoom.move(MOVE_SHARE),
};

/** From mark to mark. It goes on where it was when the focus comes back, as from a mark's story. */
function useWalk(view: RefObject<ChartView | null>, hovered: Store<number | null>, onMarks: OnMarks) {
  const reached = useRef<number | null>(null);
  const walk = (direction: 1 | -1) => {
    const mark = view.current?.markBeside(hovered.get() ?? reached.current, direction);
    if (!mark) return;
    reached.current = mark.x;
    hovered.set(mark.x);
    onMarks.tell(view.current?.marksAtValue(mark.x) ?? []);
  };
  const end = () => {
    reached.current = null;
    hovered.set(null);
  };
  return { on: () => walk(1), back: () => walk(-1), end };
}

function usePointers(view: RefObject<ChartView | null>, zoom: Zoom, onClick: (pixel: number) => void): RefObject<Pointers | null> {
  const pointers = useRef<Pointers>(null);
  const latest = useRef(onClick);
  useEffect(() => {
    latest.current = onClick;
  });
  useEffect(() => {
    const shares = ([left, right]: Span): Span => [zoom.shareAt(left), zoom.shareAt(right)];
    let held: { span: Span; shares: Span } = { span: [0, 1], shares: [0, 1] };
    pointers.current = new Pointers({
      select: (range) => view.current?.select(range),
      pick: ([left, right]) => view.current && zoom.show([view.current.valueAt(left), view.current.valueAt(right)], "at once"),
      click: (pixel) => latest.current(pixel),
      hold: (fingers) => {
        held = { span: zoom.span(), shares: shares(fingers) };
      },
      pinch: (fingers) => zoom.show(pinched(held.span, held.shares, shares(fingers)), "gliding"),
    });
  }, [view, zoom]);
  return pointers;
}

/** React's wheel handlers are passive and could not keep the page from zooming. */
function useWheel(zoom: Zoom): RefObject<HTMLDivElement | null> {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = element.current;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom.by(zoom.shareAt(event.offsetX), event.deltaY > 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
    };
    target?.addEventListener("wheel", wheel, { passive: false });
    return () => target?.removeEventListener("wheel", wheel);
  }, [zoom]);
  return element;
}
