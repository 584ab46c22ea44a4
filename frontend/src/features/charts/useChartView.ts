import { useEffect, useRef, type RefObject } from "react";
import type { Store } from "@/shared/store";
import { onThemeChange } from "@/shared/theme";
import { ChartView } from "./ChartView";
import type { ViewWishes } from "./address";
import type { Line } from "./lines";
import type { Mark } from "./marks";

interface Shown {
  name: string;
  wishes: ViewWishes;
  marks: readonly Mark[];
  lines: readonly Line[];
  hovered: Store<number | null>;
}

/** The chart on a canvas, for as long as its component is there. `tell` is called when its curves were drawn or are pointed at. */
export function useChartView(
  canvas: RefObject<HTMLCanvasElement | null>,
  { name, wishes, marks, lines, hovered }: Shown,
  tell: (view: ChartView) => void,
): RefObject<ChartView | null> {
  const view = useRef<ChartView>(null);
  const latestTell = useRef(tell);
  useEffect(() => {
    latestTell.current = tell;
  });

  useEffect(() => {
    if (!canvas.current) return undefined;
    const created = new ChartView(canvas.current, name, () => latestTell.current(created));
    view.current = created;
    const leaveHover = hovered.subscribe(() => {
      created.hover(hovered.get());
      latestTell.current(created);
    });
    const leaveSight = watchSight(canvas.current, created);
    return () => {
      leaveSight();
      leaveHover();
      created.destroy();
      view.current = null;
    };
  }, [canvas, name, hovered]);

  useEffect(() => {
    const leave = lines.map(({ source }) => source.subscribe(name, (asked) => view.current?.refresh(asked)));
    return () => leave.forEach((each) => each());
  }, [lines, name, hovered]);

  useEffect(() => {
    const show = () => view.current?.show(wishes, lines);
    show();
    view.current?.setMarks(marks);
    return onThemeChange(show);
  }, [name, hovered, wishes, marks, lines]);
  return view;
}

function watchSight(canvas: HTMLCanvasElement, view: ChartView): () => void {
  const watcher = new IntersectionObserver(([entry]) => view.setVisible(entry?.isIntersecting ?? true), { rootMargin: "120px" });
  watcher.observe(canvas);
  return () => watcher.disconnect();
}
