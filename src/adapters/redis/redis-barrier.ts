import { InProgressError } from '../../idempotency/idempotency-errors.ts';
import type { BarrierStore } from '../../participant/barrier.ts';
import type { Barrier } from '../../participant/memory-barrier.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { OnceChecked, refuseEviction, weakDurability } from './redis-fitness.ts';
import type { RedisClient } from './redis-script.ts';
import { type RedisTransaction, TransactionTry } from './redis-transaction.ts';

/** Options of {@link redisBarrier}. */
export interface RedisBarrierOptions {
  /** A connected client of `@redis/client`, of the server that the business data is in; not of a cluster. */
  readonly client: RedisClient;
  /** Begins the key of every row. Default `'makegood:barrier:'`. */
  readonly prefix?: string;
  /** How long a row is kept after its last change: the saga's retention and the flight of a request. Default `'30d'`. */
  readonly retention?: Duration;
  /** How often a transaction is begun anew because others came first, before it answers "in progress". Default 100. */
  readonly maxTries?: number;
  /** Is told once why the server may lose what it answered. Default `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
}

/** Defaults of {@link redisBarrier}. */
export const redisBarrierDefaults: Readonly<{ prefix: string; retention: Duration; maxTries: number }> = Object.freeze({
  prefix: 'makegood:barrier:',
  retention: '30d',
  maxTries: 100,
});

class RedisBarrier implements Barrier<RedisTransaction> {
  private readonly client: RedisClient;
  private readonly prefix: string;
  private readonly retentionMs: number;
  private readonly maxTries: number;
  private readonly fitness: OnceChecked;

  constructor(options: RedisBarrierOptions) {
    const { client, prefix, retention, maxTries } = { ...redisBarrierDefaults, ...options };
    const { onWarning = (message: string) => process.emitWarning(message) } = options;
    this.client = client;
    this.prefix = prefix;
    this.retentionMs = toMs(retention, 'retention');
    this.maxTries = maxTries;
    if (this.retentionMs < 1) throw new RangeError(`Expected retention to be at least 1 ms, got ${this.retentionMs}`);
    if (!Number.isInteger(maxTries) || maxTries < 1)
      throw new RangeError(`Expected maxTries to be an integer ≥ 1, got ${maxTries}`);
    this.fitness = new OnceChecked(async () => {
      await refuseEviction(client);
      const why = await weakDurability(client);
      if (why !== undefined)
        onWarning(`${why}: Redis may lose what it answered when the power fails; appendfsync always keeps it`);
    });
  }

  async transaction<Value>(
    work: (transaction: RedisTransaction, store: BarrierStore) => Promise<Value>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Value> {
    await this.fitness.pass();
    // Whoever is begun anew was overtaken by one that committed, so somebody always gets on.
    for (let tries = 0; tries < this.maxTries; tries++) {
      signal?.throwIfAborted();
      const attempt = new TransactionTry(this.client, this.prefix);
      const value = await work(attempt, attempt);
      signal?.throwIfAborted();
      if (await attempt.commit(this.retentionMs)) return value;
    }
    throw new InProgressError(this.prefix, { retryAfterMs: 1000 });
  }
}

/**
 * Runs a participant's transactions in Redis, for business data that is in the same server: what is noted with `tx.write`
 * and the barrier's row are written by one Lua script, both or neither. The functions of an action may run more than once
 * before one of their runs is committed; they must do nothing but `tx.read` and `tx.write`.
 *
 * It guarantees no more than Redis does. A failover to a replica that had not got the last writes (replication is
 * asynchronous) forgets row and effect together, though they were answered; so does a power failure unless `appendfsync` is
 * `always`, of which it warns. A server that may evict keys is refused. Not for a cluster. Where that is not enough, use
 * PostgreSQL.
 *
 * @param options.client a connected client of `@redis/client`, Redis 7 or later.
 * @param options.retention how long rows are kept after their last change; Redis deletes them. Default `'30d'`.
 * @throws {RangeError} when `retention` or `maxTries` is below 1.
 * @throws {RedisEvictionError} from a transaction, when `maxmemory-policy` is not `noeviction`.
 * @throws {InProgressError} from a transaction that was overtaken `maxTries` times.
 * @example
 * const replies = { INFO: 'maxmemory_policy:noeviction', CONFIG: ['', 'yes'], GET: null };
 * const client = { sendCommand: async ([command]) => replies[command] };
 * const rows = redisBarrier({ client, onWarning: () => undefined });
 * await rows.transaction((tx, store) => store.lock('order-1', 'reserve')) // => undefined
 */
export function redisBarrier(options: RedisBarrierOptions): Barrier<RedisTransaction> {
  return new RedisBarrier(options);
}
