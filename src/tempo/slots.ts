/** Bounds how many sagas work at the same time; those beyond wait in order of arrival. */
export class Slots<Worker> {
  private free: number;
  private readonly waiting = new Set<Worker>();
  private readonly grant: (worker: Worker) => void;
  private granting = false;

  constructor(count: number, grant: (worker: Worker) => void) {
    this.free = count;
    this.grant = grant;
  }

  /** Takes a slot, or queues for one: `grant` is then called when it is there. */
  take(worker: Worker): boolean {
    if (this.free === 0) {
      this.waiting.add(worker);
      return false;
    }
    this.waiting.delete(worker);
    this.free--;
    return true;
  }

  /**
   * Gives a slot back, to the worker that has waited longest. One that gives it back at once, having nothing to do, only
   * makes the loop below go round: by calls within calls a long queue would exhaust the stack.
   */
  release(): void {
    this.free++;
    if (this.granting) return;
    this.granting = true;
    while (this.free > 0) {
      const [next] = this.waiting;
      if (next === undefined) break;
      this.waiting.delete(next);
      this.free--;
      this.grant(next);
    }
    this.granting = false;
  }
}
