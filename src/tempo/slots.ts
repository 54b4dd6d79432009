/** Bounds how many sagas work at the same time; those beyond wait in order of arrival. */
export class Slots<Worker> {
  private free: number;
  private readonly waiting = new Set<Worker>();
  private readonly grant: (worker: Worker) => void;

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
    this.free--;
    return true;
  }

  /** Gives a slot back, to the worker that has waited longest. */
  release(): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.free++;
      return;
    }
    this.waiting.delete(next);
    this.grant(next);
  }
}
