import type { KeyboardEvent } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { useHostGestures } from "@/features/system/useHostGestures";
import type { Span } from "@/shared/span";
import { Store } from "@/shared/store";

/** What pressing the keys one after another zooms to (null: all of it), and where the crosshair is then. */
function pressed(keys: readonly string[]): [zooms: (Span | null)[], crosshair: number | null] {
  const hovered = new Store<number | null>(null);
  const zooms: (Span | null)[] = [];
  function Chart() {
    const { onKeyDown } = useHostGestures({ current: null }, { span: [1000, 2000], hovered, onZoom: (span) => zooms.push(span ?? null) });
    for (const key of keys) onKeyDown({ key, ctrlKey: false, metaKey: false, altKey: false, preventDefault: () => undefined } as unknown as KeyboardEvent);
    return null;
  }
  renderToStaticMarkup(<Chart />);
  return [zooms, hovered.get()];
}

test("keys zoom in and out, and show all", () => {
  expect(pressed(["+", "=", "-", "0"])[0]).toEqual([[1100, 1900], [1100, 1900], [875, 2125], null]);
});

test("a zoom by key is about the crosshair, which Escape takes away", () => {
  expect(pressed(["ArrowLeft", "+"])).toEqual([[[1196, 1996]], 1980]);
  expect(pressed(["ArrowLeft", "Escape", "+"])).toEqual([[[1100, 1900]], null]);
});
