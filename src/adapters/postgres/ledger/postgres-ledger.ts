import type {
  Inbox,
  InboxSession,
  LaneKey,
  LaneRequest,
  WaitingDelivery,
  WaitingFilter,
} from '../../../choreography/inbox.ts';
import type { Outbox } from '../../../choreography/outbox.ts';
import { InProgressError } from '../../../idempotency/idempotency-errors.ts';
import { type Duration, toMs } from '../../../time/duration.ts';
import type { PostgresClient, PostgresPool } from '../postgres-client.ts';
import { deliveryColumns, type StoredDelivery, waitingOf } from './inbox-rows.ts';
import { lockLanes } from './inbox-session.ts';
import { ledgerPrefix, type LedgerTables, ledgerTables } from './ledger-schema.ts';
import { PostgresOutbox } from './postgres-outbox.ts';
import { inTransaction } from '../transaction.ts';

/** Options of {@link postgresLedger}. */
export interface PostgresLedgerOptions<Client extends PostgresClient> {
  /** A `pg` pool on the database of the business, with at least as many connections as the reactor's `concurrency`, and two. */
  readonly pool: PostgresPool<Client>;
  /** What the names of its tables begin with; they are made with `postgresLedgerSchema`. Default `'makegood'`. */
  readonly prefix?: string;
  /** How long an event waits for another one of its saga before it is put back. Default `'2s'`. */
  readonly lockTimeout?: Duration;
}

/** An inbox and an outbox in one database, made by {@link postgresLedger}. */
export interface PostgresLedger<Client extends PostgresClient> {
  readonly inbox: Inbox<Client>;
  readonly outbox: Outbox<Client>;
}

// lock_not_available and deadlock_detected (PostgreSQL, appendix A): the lane is another's for now.
const laneTaken = new Set<unknown>(['55P03', '40P01']);

class PostgresInbox<Client extends PostgresClient> implements Inbox<Client> {
  private readonly pool: PostgresPool<Client>;
  private readonly tables: LedgerTables;
  private readonly lockTimeoutMs: number;

  constructor(pool: PostgresPool<Client>, tables: LedgerTables, lockTimeoutMs: number) {
    this.pool = pool;
    this.tables = tables;
    this.lockTimeoutMs = lockTimeoutMs;
  }

  async transaction<Value>(
    lane: LaneKey,
    work: (session: InboxSession<Client>) => Promise<Value>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Value> {
    signal?.throwIfAborted();
    return await this.transactionOn([lane], ([session]) => work(session as InboxSession<Client>));
  }

  transactionOn<Value>(
    lanes: readonly LaneRequest[],
    work: (sessions: readonly InboxSession<Client>[]) => Promise<Value>,
  ): Promise<Value> {
    return inTransaction(this.pool, this.lockTimeoutMs, async (client) => {
      const { sessions, flush } = await this.lock(client, lanes);
      const value = await work(sessions);
      await flush();
      return value;
    });
  }

  async waitingLanes(consumer: string, limit: number): Promise<readonly string[]> {
    const text = `SELECT saga FROM ${this.tables.lane} WHERE consumer = $1 AND parked > 0 AND blocked_by IS NULL LIMIT $2`;
    const { rows } = await this.pool.query(text, [consumer, limit]);
    return (rows as readonly { readonly saga: string }[]).map(({ saga }) => saga);
  }

  async waiting(consumer: string, filter: WaitingFilter): Promise<readonly WaitingDelivery[]> {
    const { state, reason = null, limit = 100 } = filter;
    const text = `SELECT ${deliveryColumns} FROM ${this.tables.delivery}
      WHERE consumer = $1 AND event IS NOT NULL AND state = $2 AND ($3::text IS NULL OR reason = $3)
      ORDER BY since, ordinal LIMIT $4`;
    const { rows } = await this.pool.query(text, [consumer, state, reason, limit]);
    return (rows as readonly StoredDelivery[]).map(waitingOf);
  }

  private async lock(client: Client, lanes: readonly LaneRequest[]): ReturnType<typeof lockLanes<Client>> {
    try {
      return await lockLanes(client, this.tables, lanes);
    } catch (error) {
      if (!laneTaken.has((error as { readonly code?: unknown }).code)) throw error;
      const { sagaId, consumer } = lanes[0] ?? {};
      const what = lanes.length === 1 ? `saga "${sagaId}" at "${consumer}"` : `one of ${lanes.length} sagas`;
      throw new InProgressError(what, { retryAfterMs: 200 });
    }
  }
}

/**
 * An inbox and an outbox in the PostgreSQL database of the business: reactions are given the client that holds the
 * transaction as `transaction`, and what they write through it commits with the mark that the event was seen and with
 * what they emit.
 *
 * @param options.pool a `pg` pool, with time-outs of its own.
 * @param options.prefix what the names of its tables begin with. Default `'makegood'`.
 * @throws {TypeError | RangeError} when an option is not what it must be.
 * @example
 * const client = { query: async (text) => ({ rows: [], rowCount: 0, command: text }), release() {} };
 * const { inbox } = postgresLedger({ pool: { ...client, connect: async () => client } });
 * await inbox.waitingLanes('stock', 10) // => []
 */
export function postgresLedger<Client extends PostgresClient>(
  options: PostgresLedgerOptions<Client>,
): PostgresLedger<Client> {
  const { pool, prefix = ledgerPrefix, lockTimeout = '2s' } = options;
  const tables = ledgerTables(prefix);
  const lockTimeoutMs = toMs(lockTimeout, 'lockTimeout');
  if (lockTimeoutMs < 1) throw new RangeError(`Expected lockTimeout to be at least 1 ms, got ${lockTimeoutMs}`);
  return {
    inbox: new PostgresInbox(pool, tables, lockTimeoutMs),
    outbox: new PostgresOutbox(pool, tables, lockTimeoutMs),
  };
}

/**
 * Deletes what a ledger remembers of events that are long dealt with, the oldest first. An event that the broker gives
 * again after that is taken for a new one, so keep them longer than the broker keeps messages.
 *
 * @param client a client or a pool.
 * @param options.retention how long they are remembered.
 * @param options.limit rows at a time. Default 1,000; call again while as many come back.
 * @returns how many were deleted.
 * @throws {TypeError | RangeError} when an option is not what it must be.
 * @example
 * const client = { query: async () => ({ rows: [], rowCount: 12, command: 'DELETE' }) };
 * await purgePostgresLedger(client, { retention: '30d' }) // => 12
 */
export async function purgePostgresLedger(
  client: PostgresClient,
  options: { readonly retention: Duration; readonly limit?: number; readonly prefix?: string },
): Promise<number> {
  const { retention, limit = 1000, prefix = ledgerPrefix } = options;
  const { delivery } = ledgerTables(prefix);
  const text = `DELETE FROM ${delivery} WHERE ctid IN (SELECT ctid FROM ${delivery}
    WHERE state = 'done' AND since < extract(epoch FROM clock_timestamp()) * 1000 - $1 ORDER BY since LIMIT $2)`;
  const { rowCount } = await client.query(text, [toMs(retention, 'retention'), limit]);
  return rowCount ?? 0;
}
