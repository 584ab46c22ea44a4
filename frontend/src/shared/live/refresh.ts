import type { QueryClient, QueryKey } from "@tanstack/react-query";

const SOON_MS = 200;
const LATE_MS = 1500;

type Timer = ReturnType<typeof setTimeout>;

/** What is under way for one key. */
interface Planned {
  soon?: Timer | undefined;
  late?: Timer | undefined;
  /** When the last event came. */
  heardAt: number;
  asking: boolean;
  askAgain: boolean;
}

/**
 * Refetches what events made stale: soon, for many events at once, and again a little later, as the history is written in batches.
 *
 * A question under way is never taken back, so that lists are shown however fast events come; what it may have missed is asked behind it.
 */
export class Refresher {
  private readonly planned = new Map<string, Planned>();

  constructor(private readonly client: QueryClient) {}

  stale(key: QueryKey): void {
    const plan = this.plan(key);
    plan.soon ??= setTimeout(() => {
      plan.soon = undefined;
      void this.refetch(key, plan);
    }, SOON_MS);
    plan.heardAt = performance.now();
    plan.late ??= this.later(key, plan, LATE_MS);
  }

  private plan(key: QueryKey): Planned {
    const name = JSON.stringify(key);
    const known = this.planned.get(name);
    if (known) return known;
    const created = { heardAt: 0, asking: false, askAgain: false };
    this.planned.set(name, created);
    return created;
  }

  /** Where events came meanwhile, another one follows for them. */
  private later(key: QueryKey, plan: Planned, afterMs: number): Timer {
    return setTimeout(() => {
      const rest = plan.heardAt + LATE_MS - performance.now();
      plan.late = rest > SOON_MS ? this.later(key, plan, rest) : undefined;
      void this.refetch(key, plan);
    }, afterMs);
  }

  private async refetch(key: QueryKey, plan: Planned): Promise<void> {
    plan.askAgain = plan.asking;
    if (plan.asking) return;
    plan.asking = true;
    // Failures are told where the list is shown.
    await this.client.invalidateQueries({ queryKey: key }, { cancelRefetch: false });
    plan.asking = false;
    if (plan.askAgain) void this.refetch(key, plan);
  }
}
