/** Something that will happen in a simulated world. */
export interface SimulatedEvent {
  /** When, in ms of the world's own time. */
  readonly time: number;
  /** Drawn: what happens at the same time happens in any order. */
  readonly tie: number;
  /** What has the same time and tie happens in the order of insertion. */
  readonly order: number;
  /** What the trace calls it. */
  readonly label: string;
  /** `undefined` once it was taken back. */
  run: (() => void) | undefined;
}

function isBefore(one: SimulatedEvent, other: SimulatedEvent): boolean {
  if (one.time !== other.time) return one.time < other.time;
  return one.tie === other.tie ? one.order < other.order : one.tie < other.tie;
}

/** What is to happen, the next event first: a binary heap. What was taken back stays until its time and is then dropped. */
export class EventHeap {
  private readonly heap: SimulatedEvent[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** The next event that was not taken back; it stays. */
  get next(): SimulatedEvent | undefined {
    while (this.heap.length > 0 && this.heap[0]?.run === undefined) this.pop();
    return this.heap[0];
  }

  add(event: SimulatedEvent): void {
    const { heap } = this;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as SimulatedEvent;
      if (!isBefore(event, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = event;
  }

  /** Takes the first event out, taken back or not. */
  pop(): SimulatedEvent | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && last !== first) this.sink(last);
    return first;
  }

  private sink(event: SimulatedEvent): void {
    const { heap } = this;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as SimulatedEvent)) child++;
      const below = heap[child] as SimulatedEvent;
      if (!isBefore(below, event)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = event;
  }
}
