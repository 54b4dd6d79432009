/** A timer of a test clock, waiting in a {@link TimerQueue}. */
export interface QueuedTimer {
  /** When it is due, in ms of the clock's elapsed time. */
  readonly dueMs: number;
  /** Timers due at the same time fire in this order. */
  readonly order: number;
  readonly callback: () => void;
}

interface Entry extends QueuedTimer {
  /** Where the timer stands in the heap; -1 when it has left. Keeps taking back a timer from being a search. */
  index: number;
}

const isBefore = (one: QueuedTimer, other: QueuedTimer): boolean =>
  one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);

/** The waiting timers of a test clock, the next one first: a binary heap that also lets go of any other in O(log n). */
export class TimerQueue {
  private readonly heap: Entry[] = [];
  private created = 0;

  get size(): number {
    return this.heap.length;
  }

  /** The timer that fires next, which stays in the queue. */
  get next(): QueuedTimer | undefined {
    return this.heap[0];
  }

  add(dueMs: number, callback: () => void): QueuedTimer {
    const entry: Entry = { dueMs, order: this.created++, callback, index: this.heap.length };
    this.heap.push(entry);
    this.rise(entry);
    return entry;
  }

  /** Takes a timer out; does nothing when it has left already or never was in this queue. */
  remove(timer: QueuedTimer): void {
    const { index } = timer as Entry;
    if (this.heap[index] !== timer) return;
    const last = this.heap.pop() as Entry;
    if (last !== timer) {
      this.place(last, index);
      this.rise(last);
      this.sink(last);
    }
    (timer as Entry).index = -1;
  }

  private place(entry: Entry, index: number): void {
    this.heap[index] = entry;
    entry.index = index;
  }

  private rise(entry: Entry): void {
    while (entry.index > 0) {
      const parentIndex = (entry.index - 1) >> 1;
      const parent = this.heap[parentIndex] as Entry;
      if (!isBefore(entry, parent)) return;
      this.place(parent, entry.index);
      this.place(entry, parentIndex);
    }
  }

  private sink(entry: Entry): void {
    for (;;) {
      const left = this.heap[2 * entry.index + 1];
      const right = this.heap[2 * entry.index + 2];
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, entry)) return;
      const childIndex = child.index;
      this.place(child, entry.index);
      this.place(entry, childIndex);
    }
  }
}
