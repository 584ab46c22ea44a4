import { useEffect, useRef, type RefObject } from "react";
import type { Store } from "@/shared/store";
import { onThemeChange } from "@/shared/theme";
import { ChartView, type ViewWishes } from "./ChartView";
import type { MetricStore } from "./MetricStore";
import type { Buckets } from "./curve";
import type { Mark } from "./marks";

interface Shown {
  store: MetricStore;
  name: string;
  wishes: ViewWishes;
  marks: readonly Mark[];
  colour: string;
  hovered: Store<number | null>;
}

/** The chart on a canvas, for as long as its component is there. `tell` is called with every curve that was drawn or is pointed at. */
export function useChartView(
  canvas: RefObject<HTMLCanvasElement | null>,
  { store, name, wishes, marks, colour, hovered }: Shown,
  tell: (curve: Buckets, marks: readonly Mark[]) => void,
): RefObject<ChartView | null> {
  const view = useRef<ChartView>(null);
  const latestTell = useRef(tell);
  useEffect(() => {
    latestTell.current = tell;
  });

  useEffect(() => {
    if (!canvas.current) return undefined;
    const created = new ChartView(canvas.current, store, name, (curve) => latestTell.current(curve, created.overlay.marks));
    view.current = created;
    const leaveStore = store.subscribe(name, created.refresh);
    const leaveHover = hovered.subscribe(() => {
      created.hover(hovered.get());
      latestTell.current(created.overlay.curve, created.overlay.marks);
    });
    const leaveSight = watchSight(canvas.current, created);
    return () => {
      leaveSight();
      leaveStore();
      leaveHover();
      created.destroy();
      view.current = null;
    };
  }, [canvas, store, name, hovered]);

  useEffect(() => {
    const show = () => view.current?.show(wishes, colour);
    show();
    view.current?.setMarks(marks);
    return onThemeChange(show);
  }, [store, name, hovered, wishes, marks, colour]);
  return view;
}

function watchSight(canvas: HTMLCanvasElement, view: ChartView): () => void {
  const watcher = new IntersectionObserver(([entry]) => view.setVisible(entry?.isIntersecting ?? true), { rootMargin: "120px" });
  watcher.observe(canvas);
  return () => watcher.disconnect();
}
