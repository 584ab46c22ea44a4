const PREFIX = "groundup.";
const TYPED = `${PREFIX}typed.`;

export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** Storage may be full or switched off; then nothing is remembered, and nothing depends on it. */
function attempt<T>(act: () => T, otherwise: T): T {
  try {
    return act();
  } catch {
    return otherwise;
  }
}

function put(shelf: Shelf, key: string, value: string | null): void {
  if (value === null) shelf.removeItem(key);
  else shelf.setItem(key, value);
}

/** What a browser remembers for us, in all its tabs. */
export const kept = {
  read: (name: string): string | null => attempt(() => localStorage.getItem(PREFIX + name), null),
  write: (name: string, value: string | null): void => attempt(() => put(localStorage, PREFIX + name, value), undefined),
};

/** What was typed in this tab: in memory between pages, in the tab's own storage over a reload. A new tab begins with the last of all tabs. */
export class TypedText {
  private readonly memory = new Map<string, string>();

  constructor(
    private readonly ofTab: () => Shelf,
    private readonly ofBrowser: () => Shelf,
  ) {}

  read(name: string): string | null {
    const from = (shelf: () => Shelf) => attempt(() => shelf().getItem(TYPED + name), null);
    return this.memory.get(name) ?? from(this.ofTab) ?? from(this.ofBrowser);
  }

  write(name: string, value: string | null): void {
    if (value === null) this.memory.delete(name);
    else this.memory.set(name, value);
    for (const shelf of [this.ofTab, this.ofBrowser]) attempt(() => put(shelf(), TYPED + name, value), undefined);
  }

  /** Whoever uses the browser next finds nothing of it. */
  forgetAll(): void {
    this.memory.clear();
    for (const shelf of [this.ofTab, this.ofBrowser]) attempt(() => sweep(shelf()), undefined);
  }
}

function sweep(shelf: Shelf): void {
  const keys = Array.from({ length: shelf.length }, (_, index) => shelf.key(index));
  for (const key of keys) if (key?.startsWith(TYPED)) shelf.removeItem(key);
}

export const typedText = new TypedText(
  () => sessionStorage,
  () => localStorage,
);
