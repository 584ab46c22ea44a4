const LEAST_PIXELS = 6;

type Pixels = readonly [left: number, right: number];

export interface PointerSink {
  /** A range is being dragged over; null: no longer. */
  select: (range: Pixels | null) => void;
  pick: (range: Pixels) => void;
  /** Down and up at one place. */
  click?: (x: number) => void;
  /** Two fingers have come down. */
  hold?: (fingers: Pixels) => void;
  pinch?: (fingers: Pixels) => void;
}

/** What the pointers on a chart mean, mouse, pen or fingers: one picks a range, two pinch. Places are pixels from the left. */
export class Pointers {
  private readonly places = new Map<number, number>();
  private start: number | null = null;

  constructor(private readonly sink: PointerSink) {}

  down(id: number, x: number): void {
    this.places.set(id, x);
    this.start = this.places.size === 1 ? x : null;
    if (this.places.size !== 2) return;
    this.sink.select(null);
    this.sink.hold?.(this.fingers());
  }

  move(id: number, x: number): void {
    if (!this.places.has(id)) return;
    this.places.set(id, x);
    if (this.places.size === 2) this.sink.pinch?.(this.fingers());
    else if (this.start !== null) this.sink.select([this.start, x]);
  }

  up(id: number, x: number): void {
    const { start } = this;
    this.cancel(id);
    if (start === null) return;
    if (Math.abs(x - start) >= LEAST_PIXELS) this.sink.pick([Math.min(start, x), Math.max(start, x)]);
    else this.sink.click?.(x);
  }

  /** The browser takes the pointer for itself, to scroll. */
  cancel(id: number): void {
    this.places.delete(id);
    this.start = null;
    this.sink.select(null);
  }

  private fingers(): Pixels {
    const [left = 0, right = 0] = [...this.places.values()].sort((a, b) => a - b);
    return [left, right];
  }
}
