import type { Broker, BrokerMessage } from '../../../choreography/broker.ts';
import { type BrokerDriver, BrokerShell, type LanesMaker } from '../../../choreography/broker-shell.ts';
import { PublishError } from '../../../choreography/choreography-errors.ts';
import type { ChoreographyEvent } from '../../../choreography/choreography-events.ts';
import type { DeliveryLanes } from '../../../choreography/delivery-lanes.ts';
import { LeasedLogSession, type LogPlace } from '../../../choreography/leased-log.ts';
import { PublishQueue } from '../../../choreography/publish-queue.ts';
import type { ResolvedSubscription } from '../../../choreography/subscription.ts';
import type { ConsumerSession } from '../../../choreography/supervised-subscription.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Observer } from '../../../ports/observer.ts';
import { uniqueId } from '../../../ports/random.ts';
import { systemClock } from '../../../ports/system-clock.ts';
import { type Duration, toMs } from '../../../time/duration.ts';
import type { PostgresClient, PostgresPool } from '../postgres-client.ts';
import { inTransaction } from '../transaction.ts';
import { brokerPrefix, type BrokerTables, brokerTables } from './broker-schema.ts';
import { PostgresGroupLease, PostgresLog } from './postgres-log.ts';

/** Options of {@link postgresBroker}. */
export interface PostgresBrokerOptions {
  /** A `pg` pool with time-outs of its own; the broker does not end it. */
  readonly pool: PostgresPool;
  /** What the names of its tables begin with; they are made with `postgresBrokerSchema`. Default `'makegood_broker'`. */
  readonly prefix?: string;
  /** How long a group waits for a consumer that says nothing before another takes over. Default `'10s'`. */
  readonly leaseTtl?: Duration;
  /** How often a consumer looks for messages. Default `'200ms'`. */
  readonly pollEvery?: Duration;
  readonly observer?: Observer<ChoreographyEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

// Publishing to one topic is one at a time for the length of an insert, so nobody waits long for another.
const lockTimeoutMs = 10_000;

class PostgresDriver implements BrokerDriver<LogPlace> {
  readonly name = 'postgres';
  private readonly pool: PostgresPool;
  private readonly tables: BrokerTables;
  private readonly ttlMs: number;
  private readonly pollEveryMs: number;
  private readonly clock: Clock;
  private readonly queue: PublishQueue = new PublishQueue((messages) => this.insert(messages));
  /** One for each subscription: its next consumer finds the lease of the one before. */
  private readonly owners = new WeakMap<ResolvedSubscription, string>();

  constructor(options: PostgresBrokerOptions, clock: Clock) {
    const { pool, prefix = brokerPrefix, leaseTtl = '10s', pollEvery = '200ms' } = options;
    this.pool = pool;
    this.tables = brokerTables(prefix);
    this.ttlMs = toMs(leaseTtl, 'leaseTtl');
    this.pollEveryMs = toMs(pollEvery, 'pollEvery');
    this.clock = clock;
  }

  ensure(): Promise<void> {
    return Promise.resolve();
  }

  send(messages: readonly BrokerMessage[]): Promise<void> {
    return this.queue.publish(messages);
  }

  private async insert(messages: readonly BrokerMessage[]): Promise<void> {
    const topics = [...new Set(messages.map(({ topic }) => topic))].toSorted();
    const rows = messages.map(({ topic, key, id, value, headers = {} }) => {
      return [topic, key, id, value, JSON.stringify(headers)] as const;
    });
    const columns = [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column]));
    try {
      await inTransaction(this.pool, lockTimeoutMs, async (client) => {
        // Held until the commit: positions of a topic are given in the order of commits, so no reader can pass one by.
        for (const topic of topics)
          await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
            `${this.tables.message} ${topic}`,
          ]);
        await client.query(
          `INSERT INTO ${this.tables.message} (topic, key, id, value, headers) SELECT topic, key, id, value, headers
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
             WITH ORDINALITY AS made (topic, key, id, value, headers, n) ORDER BY n`,
          columns,
        );
      });
    } catch (error) {
      throw new PublishError('PostgreSQL', error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  connect(subscription: ResolvedSubscription, lanesOf: LanesMaker<LogPlace>): Promise<ConsumerSession> {
    const { topic, group } = subscription;
    const owner = this.owners.get(subscription) ?? uniqueId();
    this.owners.set(subscription, owner);
    const { pool, tables, clock } = this;
    const lease = new PostgresGroupLease(pool, tables, [topic, group, owner], this.ttlMs);
    const log = new PostgresLog(pool, tables, topic, this.pollEveryMs, clock);
    const lanes: DeliveryLanes<LogPlace> = lanesOf((place) => session.settle(place));
    const session: LeasedLogSession = new LeasedLogSession({ lease, log, lanes, clock });
    return Promise.resolve(session);
  }

  release(): Promise<void> {
    return this.queue.idle();
  }
}

/**
 * A broker in a PostgreSQL database, for those who have one and no other broker. Messages are rows, read in the order of
 * their commits. A group's consumers take turns: one has its lease and works, the others stand by.
 *
 * @param options.pool a `pg` pool, with time-outs; the broker does not end it.
 * @param options.leaseTtl how long a group waits for a consumer that says nothing. Default `'10s'`.
 * @throws {TypeError | RangeError} when an option is not what it must be.
 * @example
 * const client = { query: async (text) => ({ rows: [], rowCount: 0, command: text }), release() {} };
 * const broker = postgresBroker({ pool: { ...client, connect: async () => client } });
 * await broker.publish([{ topic: 'orders', key: 'order-7', id: '1', value: '{}' }]) // => undefined
 */
export function postgresBroker(options: PostgresBrokerOptions): Broker {
  const { clock = systemClock, observer } = options;
  return new BrokerShell(new PostgresDriver(options, clock), clock, observer);
}

/**
 * Deletes messages that are older than they are kept, the oldest first, whether or not every group has had them.
 *
 * @param client a client or a pool.
 * @param options.retention how long messages are kept.
 * @param options.limit rows at a time. Default 1,000; call again while as many come back.
 * @returns how many were deleted.
 * @throws {TypeError | RangeError} when an option is not what it must be.
 * @example
 * const client = { query: async () => ({ rows: [], rowCount: 12, command: 'DELETE' }) };
 * await purgePostgresBroker(client, { retention: '7d' }) // => 12
 */
export async function purgePostgresBroker(
  client: PostgresClient,
  options: { readonly retention: Duration; readonly limit?: number; readonly prefix?: string },
): Promise<number> {
  const { retention, limit = 1000, prefix = brokerPrefix } = options;
  const { message } = brokerTables(prefix);
  const text = `DELETE FROM ${message} WHERE ctid IN (SELECT ctid FROM ${message}
    WHERE published_at < clock_timestamp() - $1 * interval '1 ms' ORDER BY published_at LIMIT $2)`;
  const { rowCount } = await client.query(text, [toMs(retention, 'retention'), limit]);
  return rowCount ?? 0;
}
