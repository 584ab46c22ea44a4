import type { KeyboardEvent } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { beforeEach, expect, test } from "vitest";
import type { ChartView } from "@/features/charts/ChartView";
import { wishesOf } from "@/features/charts/address";
import { markBeside } from "@/features/charts/markPlaces";
import type { Mark } from "@/features/charts/marks";
import { useGestures } from "@/features/charts/useGestures";
import { Store } from "@/shared/store";

const MARKS = [10, 20, 30].map((x): Mark => ({ kind: "checkpoint", x, step: x, text: `checkpoint ${String(x)}`, facts: [] }) as unknown as Mark);

let hovered: Store<number | null>;
let opened: number[];
let gestures: ReturnType<typeof useGestures>;

beforeEach(() => {
  hovered = new Store<number | null>(null);
  opened = [];
  const marksAtValue = (x: number | null) => MARKS.filter((mark) => mark.x === x);
  const view = { markBeside: (from: number | null, way: 1 | -1) => markBeside(MARKS, from, way, [0, 100]), marksAtValue } as unknown as ChartView;
  const onMarks = { open: (marks: readonly Mark[]) => opened.push(...marks.map(({ x }) => x)), tell: () => undefined };
  function Chart() {
    gestures = useGestures({ current: view }, hovered, wishesOf({}), () => undefined, onMarks);
    return null;
  }
  renderToStaticMarkup(<Chart />);
});

/** Returns whether the chart took it. */
function press(key: string): boolean {
  let taken = false;
  gestures.onKeyDown({ key, ctrlKey: false, metaKey: false, altKey: false, preventDefault: () => (taken = true) } as unknown as KeyboardEvent);
  return taken;
}

test("Escape ends a walk along the marks, and the next begins anew", () => {
  press(".");
  press(".");
  expect(hovered.get()).toBe(20);
  expect(press("Escape")).toBe(true);
  expect(hovered.get()).toBeNull();
  press(".");
  expect(hovered.get()).toBe(10);
});

test("where the focus goes elsewhere nothing is pointed at; a walk goes on when it comes back", () => {
  press(".");
  press("Enter");
  gestures.onBlur();
  expect([hovered.get(), opened]).toEqual([null, [10]]);
  press(".");
  expect(hovered.get()).toBe(20);
});

test("a key that means nothing here is left to the page", () => {
  expect(press("x")).toBe(false);
});
