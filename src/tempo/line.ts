/**
 * Those who wait, in order of arrival. Anybody may leave from the middle; what is left of his place is passed over later.
 * Not a `Set` alone: the first of one that was emptied from the front is looked for behind all that are gone, so that a
 * hundred thousand took five seconds.
 */
export class Line<Worker> {
  private places: Worker[] = [];
  private first = 0;
  private readonly members = new Set<Worker>();

  get size(): number {
    return this.members.size;
  }

  /** Waits at the end; who waits already keeps his place. */
  add(worker: Worker): void {
    if (this.members.has(worker)) return;
    this.members.add(worker);
    this.places.push(worker);
  }

  /** Leaves; `false` when he does not wait. */
  delete(worker: Worker): boolean {
    return this.members.delete(worker);
  }

  /** Takes out whoever has waited longest. */
  shift(): Worker | undefined {
    while (this.first < this.places.length) {
      const worker = this.places[this.first++] as Worker;
      if (this.members.delete(worker)) {
        this.forgetPassed();
        return worker;
      }
    }
    return undefined;
  }

  private forgetPassed(): void {
    if (this.first < 1024 || this.first * 2 < this.places.length) return;
    this.places = this.places.slice(this.first);
    this.first = 0;
  }
}
