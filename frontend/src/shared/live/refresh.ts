import type { QueryClient, QueryKey } from "@tanstack/react-query";

const SOON_MS = 200;
const LATE_MS = 1500;

/** Refetches what events made stale: soon, for many events at once, and again a little later, as the history is written in batches. */
export class Refresher {
  private readonly soon = new Set<string>();
  private readonly late = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly client: QueryClient) {}

  stale(key: QueryKey): void {
    const name = JSON.stringify(key);
    if (!this.soon.has(name)) {
      this.soon.add(name);
      setTimeout(() => {
        this.soon.delete(name);
        this.refetch(key);
      }, SOON_MS);
    }
    clearTimeout(this.late.get(name));
    this.late.set(name, setTimeout(() => this.refetch(key), LATE_MS));
  }

  private refetch(key: QueryKey): void {
    void this.client.invalidateQueries({ queryKey: key });
  }
}
