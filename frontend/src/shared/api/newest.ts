import { call, type Query } from "./client";
import type { Page } from "./types";

/** The end of a list that grows, newest first. `older`: the cursor of what was before it; null where this is all. */
export interface Newest<T> {
  items: readonly T[];
  older: string | null;
}

export interface GrowingList<T> {
  address: string;
  /** Tells items apart. */
  idOf: (item: T) => string | number;
  /** Items per page. */
  limit: number;
  /** What the server is asked to get nothing but what came after an item, where it can be asked so. */
  after?: (item: T) => Query;
}

/** What is looked at first. */
const FIRST_PAGES = 2;
/** Where more than that is new, the list is begun anew. */
const CATCH_UP_PAGES = 10;
/** Most often a single item is new. */
const FEW = 20;

/** Without `known` the end of the list, else what is new before what is known by then. */
export async function loadNewest<T>(list: GrowingList<T>, known: () => Newest<T> | undefined, signal: AbortSignal): Promise<Newest<T>> {
  const [last] = known()?.items ?? [];
  const fresh: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < (last === undefined ? FIRST_PAGES : CATCH_UP_PAGES); page += 1) {
    const limit = last !== undefined && !list.after && page === 0 ? FEW : list.limit;
    const { items, next_cursor }: Page<T> = await ask(list, { ...(last !== undefined && list.after?.(last)), limit, cursor }, signal);
    const before = known();
    const seen = last === undefined || !before ? -1 : items.findIndex((item) => list.idOf(item) === list.idOf(last));
    fresh.push(...(seen < 0 ? items : items.slice(0, seen)));
    if (before && (seen >= 0 || (next_cursor === null && list.after))) {
      return fresh.length === 0 ? before : { items: [...fresh, ...before.items], older: before.older };
    }
    cursor = next_cursor;
    if (cursor === null) break;
  }
  return { items: fresh, older: cursor };
}

/** The page behind `cursor`. */
export function loadOlder<T>(list: GrowingList<T>, cursor: string): Promise<Page<T>> {
  return ask(list, { limit: list.limit, cursor });
}

/** `page` was asked for with `cursor`. It is left out where it no longer fits, as the list was begun anew meanwhile. */
export function withOlder<T>(known: Newest<T>, cursor: string, page: Page<T>): Newest<T> {
  return known.older === cursor ? { items: [...known.items, ...page.items], older: page.next_cursor } : known;
}

function ask<T>({ address }: GrowingList<T>, query: Query, signal?: AbortSignal): Promise<Page<T>> {
  return call<Page<T>>("GET", address, { query: { order: "newest", ...query }, ...(signal && { signal }) });
}
