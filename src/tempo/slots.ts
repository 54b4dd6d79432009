import { Line } from './line.ts';

/**
 * Bounds how many sagas work at the same time. Those beyond wait: the sagas of one name in order of arrival, and the names
 * in turn. So a name that starts a hundred times as many sagas as the others makes its own wait, and not theirs.
 */
export class Slots<Worker> {
  private free: number;
  /** Who waits, by kind; the kind that is next comes first. */
  private readonly lines = new Map<string, Line<Worker>>();
  private readonly grant: (worker: Worker) => void;
  private readonly kindOf: (worker: Worker) => string;
  private granting = false;

  constructor(count: number, grant: (worker: Worker) => void, kindOf: (worker: Worker) => string) {
    this.free = count;
    this.grant = grant;
    this.kindOf = kindOf;
  }

  /** Takes a slot, or queues for one: `grant` is then called when it is there. */
  take(worker: Worker): boolean {
    if (this.free === 0) {
      this.join(worker);
      return false;
    }
    if (this.lines.size > 0) this.leave(this.kindOf(worker), worker);
    this.free--;
    return true;
  }

  private join(worker: Worker): void {
    const kind = this.kindOf(worker);
    const line = this.lines.get(kind) ?? new Line<Worker>();
    line.add(worker);
    if (line.size === 1) this.lines.set(kind, line);
  }

  private leave(kind: string, worker: Worker): void {
    const line = this.lines.get(kind);
    if (line?.delete(worker) === true && line.size === 0) this.lines.delete(kind);
  }

  /** Whoever is next: the first of the kind whose turn it is, which then waits for all others. */
  private next(): Worker | undefined {
    const [first] = this.lines;
    if (first === undefined) return undefined;
    const [kind, line] = first;
    const worker = line.shift();
    this.lines.delete(kind);
    if (line.size > 0) this.lines.set(kind, line);
    return worker;
  }

  /**
   * Gives a slot back, to the worker that is next. One that gives it back at once, having nothing to do, only makes the loop
   * below go round: by calls within calls a long queue would exhaust the stack.
   */
  release(): void {
    this.free++;
    if (this.granting) return;
    this.granting = true;
    while (this.free > 0) {
      const next = this.next();
      if (next === undefined) break;
      this.free--;
      this.grant(next);
    }
    this.granting = false;
  }
}
