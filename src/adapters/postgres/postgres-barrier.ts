import { InProgressError } from '../../idempotency/idempotency-errors.ts';
import type { BarrierStore } from '../../participant/barrier.ts';
import type { Barrier } from '../../participant/memory-barrier.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { remainingMs } from '../../time/deadline.ts';
import { postgresBarrierRows, barrierTable } from './postgres-barrier-rows.ts';
import { type PostgresClient, type PostgresPool, quoteTable } from './postgres-client.ts';
import { inTransaction } from './transaction.ts';

/** Options of {@link postgresBarrier}. */
export interface PostgresBarrierOptions<Client extends PostgresClient> {
  /** A `pg` pool; each transaction takes a connection of it. */
  readonly pool: PostgresPool<Client>;
  /** The table, made with `postgresBarrierSchema`. Default `'makegood_barrier'`. */
  readonly table?: string;
  /** How long a call waits for another of the same step before it answers that it is in progress. Default `'2s'`. */
  readonly lockTimeout?: Duration;
}

// lock_not_available (PostgreSQL, appendix A): the wait for another transaction's lock was over.
const lockNotAvailable = '55P03';

function isLockTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === lockNotAvailable;
}

class PoolBarrier<Client extends PostgresClient> implements Barrier<Client> {
  private readonly pool: PostgresPool<Client>;
  private readonly table: string;
  private readonly lockTimeoutMs: number;

  constructor({ pool, table = barrierTable, lockTimeout = '2s' }: PostgresBarrierOptions<Client>) {
    quoteTable(table);
    this.pool = pool;
    this.table = table;
    this.lockTimeoutMs = Math.ceil(toMs(lockTimeout, 'lockTimeout'));
    if (this.lockTimeoutMs < 1) throw new RangeError('Expected lockTimeout to be at least 1 ms, got 0');
  }

  async transaction<Value>(
    work: (transaction: Client, store: BarrierStore) => Promise<Value>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Value> {
    signal?.throwIfAborted();
    const lockMs = Math.max(1, Math.min(this.lockTimeoutMs, remainingMs(signal)));
    try {
      return await inTransaction(this.pool, lockMs, (client) =>
        work(client, postgresBarrierRows(client, { table: this.table })),
      );
    } catch (error) {
      if (isLockTimeout(error)) throw new InProgressError('this step', { retryAfterMs: 1000 });
      throw error;
    }
  }
}

/**
 * Runs a participant's transactions in PostgreSQL, the barrier's rows beside the business's own. The functions of an action
 * are given the client that holds the transaction as `tx`.
 *
 * @param options.pool a `pg` pool.
 * @param options.table Default `'makegood_barrier'`.
 * @param options.lockTimeout how long a call waits for another of the same step. Default `'2s'`.
 * @throws {TypeError} or {RangeError} when an option is not what it must be.
 * @example
 * const client = { query: async (text) => ({ rows: [], rowCount: 1, command: text }), release() {} };
 * const rows = postgresBarrier({ pool: { ...client, connect: async () => client } });
 * await rows.transaction((tx, store) => store.lock('order-1', 'reserve')) // => undefined
 */
export function postgresBarrier<Client extends PostgresClient>(
  options: PostgresBarrierOptions<Client>,
): Barrier<Client> {
  return new PoolBarrier(options);
}
