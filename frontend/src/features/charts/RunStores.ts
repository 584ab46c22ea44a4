import { MetricStore } from "./MetricStore";

/** The curves of several runs, kept for as long as they are compared: what is shown again is there at once. */
export class RunStores {
  private readonly stores = new Map<string, MetricStore>();

  readonly of = (id: string): MetricStore => {
    const found = this.stores.get(id);
    if (found) return found;
    const created = new MetricStore();
    this.stores.set(id, created);
    return created;
  };
}
