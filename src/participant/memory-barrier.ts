import type { BarrierStore } from './barrier.ts';
import type { BarrierRow } from './decide-barrier.ts';

/**
 * Runs transactions of a participant's database, with the barrier's rows in them.
 *
 * An implementer keeps: it commits when the work resolves and rolls everything back when it rejects; it resolves only
 * after the commit; it waits for no lock longer than a caller waits for an answer, and then throws `InProgressError`.
 */
export interface Barrier<Transaction> {
  transaction<Value>(
    work: (transaction: Transaction, store: BarrierStore) => Promise<Value>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Value>;
}

function keyOf(saga: string, step: string): string {
  return `${saga}/${step}`;
}

class MemoryBarrier implements Barrier<undefined> {
  private rows = new Map<string, BarrierRow>();
  private last: Promise<unknown> = Promise.resolve();

  async transaction<Value>(work: (transaction: undefined, store: BarrierStore) => Promise<Value>): Promise<Value> {
    // One after the other: the simplest order in which nothing can be seen half done.
    const turn = this.last.then(() => this.inTurn(work));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async inTurn<Value>(work: (transaction: undefined, store: BarrierStore) => Promise<Value>): Promise<Value> {
    const rows = new Map(this.rows);
    const value = await work(undefined, {
      lock: async (saga, step) => rows.get(keyOf(saga, step)),
      async save(saga, step, row) {
        rows.set(keyOf(saga, step), row);
      },
      savepoint: async (savedWork) => savedWork(),
    });
    this.rows = rows;
    return value;
  }
}

/**
 * A barrier in memory: for tests, and for participants whose effects are in memory too. It forgets everything with the
 * process, and can only roll back its own rows.
 *
 * @example
 * const rows = memoryBarrier();
 * await rows.transaction(async (_, store) => store.lock('order-1', 'reserve')) // => undefined
 */
export function memoryBarrier(): Barrier<undefined> {
  return new MemoryBarrier();
}
