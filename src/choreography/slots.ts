/** So many at the same time; the others wait for their turn, in their order. */
export class Slots {
  private left: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.left = count;
  }

  /** How many may begin at once. */
  get free(): number {
    return this.left;
  }

  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    await this.take();
    try {
      return await work();
    } finally {
      this.giveBack();
    }
  }

  /** Resolves when one is free, without taking it. */
  async room(): Promise<void> {
    await this.take();
    this.giveBack();
  }

  private take(): Promise<void> {
    if (this.left === 0) return new Promise((resolve) => void this.waiting.push(resolve));
    this.left--;
    return Promise.resolve();
  }

  private giveBack(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.left++;
    else next();
  }
}
