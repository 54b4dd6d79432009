/** Work of one key at a time, in the order in which it was asked for; work of other keys meanwhile. */
export class ScopeTurns {
  private readonly last = new Map<string, Promise<unknown>>();

  run<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    const turn = (this.last.get(key) ?? Promise.resolve()).then(work);
    const settled = turn.then(ignore, ignore).then(() => {
      if (this.last.get(key) === settled) this.last.delete(key);
    });
    this.last.set(key, settled);
    return turn;
  }

  /** Resolves when all that was asked for has ended. */
  async settle(): Promise<void> {
    while (this.last.size > 0) await Promise.all(this.last.values());
  }
}

function ignore(): void {}
