import { kept } from "./kept";
import { Store } from "./store";

export type ThemeChoice = "system" | "dark" | "light";

function read(): ThemeChoice {
  const value = kept.read("theme");
  return value === "dark" || value === "light" ? value : "system";
}

export const themeChoice = new Store<ThemeChoice>(read());

export function setTheme(choice: ThemeChoice): void {
  kept.write("theme", choice === "system" ? null : choice);
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  themeChoice.set(choice);
}

/** Calls back when the colours change, by choice or by the system. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", listener);
  const leave = themeChoice.subscribe(listener);
  return () => {
    system.removeEventListener("change", listener);
    leave();
  };
}
