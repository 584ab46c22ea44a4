import { useEffect, useRef } from "react";
import { Store } from "./store";

/** What a key does, in words, and does. */
export type KeyAction = readonly [about: string, act: () => void];
export type KeyMap = Readonly<Record<string, KeyAction>>;

/** What keys do on the page as it is now, for whoever asks; later ones go first. */
export const knownKeys = new Store<readonly KeyMap[]>([]);

/** Single keys that work anywhere on the page, while the component is there. The actions may be new with every render, their keys and words not. */
export function useKeys(keys: KeyMap): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  const told = Object.entries(keys).map(([key, [about]]) => `${key} ${about}`).join("\n");
  useEffect(() => {
    const own: KeyMap = Object.fromEntries(Object.entries(latest.current).map(([key, [about]]) => [key, [about, () => latest.current[key]?.[1]()]]));
    knownKeys.set([...knownKeys.get(), own]);
    return () => knownKeys.set(knownKeys.get().filter((each) => each !== own));
  }, [told]);
}

/** Listens for as long as the page is open. */
export function followKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target, event.key)) return;
    const action = knownKeys.get().findLast((keys) => event.key in keys)?.[event.key];
    if (!action) return;
    event.preventDefault();
    action[1]();
  });
}

/** Where letters are typed they mean letters; a space presses what has the focus; a dialog has the page's keys. */
function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  if (document.querySelector("[role=dialog], [role=alertdialog], [role=menu]")) return true;
  const pressed = key === " " ? ", button, a, summary, [role=tab], [role=radio]" : "";
  return target.closest(`input:not([type=checkbox], [type=range]), textarea, select, [contenteditable=true]${pressed}`) !== null;
}
