import type { BrokerMessage } from '../../../choreography/broker.ts';
import type { GroupLease, MessageLog } from '../../../choreography/leased-log.ts';
import type { Clock } from '../../../ports/clock.ts';
import { sleepMs } from '../../../time/sleep.ts';
import type { PostgresClient } from '../postgres-client.ts';
import type { BrokerTables } from './broker-schema.ts';

interface StoredMessage {
  readonly pos: string;
  readonly key: string;
  readonly id: string;
  readonly value: string;
  readonly headers: string;
}

const pageSize = 500;

/** A topic's rows, read as they come. */
export class PostgresLog implements MessageLog {
  private readonly client: PostgresClient;
  private readonly tables: BrokerTables;
  private readonly topic: string;
  private readonly pollEveryMs: number;
  private readonly clock: Clock;

  constructor(client: PostgresClient, tables: BrokerTables, topic: string, pollEveryMs: number, clock: Clock) {
    this.client = client;
    this.tables = tables;
    this.topic = topic;
    this.pollEveryMs = pollEveryMs;
    this.clock = clock;
  }

  async *read(
    after: number,
    signal: AbortSignal,
    heard: () => void,
  ): AsyncGenerator<{ readonly position: number; readonly message: BrokerMessage }> {
    const text = `SELECT pos, key, id, value, headers FROM ${this.tables.message}
      WHERE topic = $1 AND pos > $2 ORDER BY pos LIMIT ${pageSize}`;
    for (let position = after; !signal.aborted; ) {
      const { rows } = await this.client.query(text, [this.topic, position]);
      heard();
      for (const { pos, key, id, value, headers } of rows as readonly StoredMessage[]) {
        position = Number(pos);
        const parsed = JSON.parse(headers) as Record<string, string>;
        yield { position, message: { topic: this.topic, key, id, value, headers: parsed } };
      }
      if (rows.length < pageSize) await sleepMs(this.pollEveryMs, this.clock, signal).catch(() => undefined);
    }
  }
}

/** A group's row: who has the lease, until when by the server's clock, and how far the group has come. */
export class PostgresGroupLease implements GroupLease {
  readonly ttlMs: number;
  private readonly client: PostgresClient;
  private readonly tables: BrokerTables;
  private readonly names: readonly [topic: string, group: string, owner: string];

  constructor(client: PostgresClient, tables: BrokerTables, names: PostgresGroupLease['names'], ttlMs: number) {
    this.client = client;
    this.tables = tables;
    this.names = names;
    this.ttlMs = ttlMs;
  }

  async claim(): Promise<number | undefined> {
    const { group } = this.tables;
    const text = `INSERT INTO ${group} AS held (topic, name, owner, lease_until)
      VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 ms')
      ON CONFLICT (topic, name) DO UPDATE SET owner = $3, lease_until = clock_timestamp() + $4 * interval '1 ms'
        WHERE held.owner IN ('', $3) OR held.lease_until < clock_timestamp()
      RETURNING position`;
    const { rows } = await this.client.query(text, [...this.names, this.ttlMs]);
    const row = rows[0] as { readonly position: string } | undefined;
    return row === undefined ? undefined : Number(row.position);
  }

  async keep(position: number): Promise<boolean> {
    const text = `UPDATE ${this.tables.group} SET position = $4, lease_until = clock_timestamp() + $5 * interval '1 ms'
      WHERE topic = $1 AND name = $2 AND owner = $3`;
    const { rowCount } = await this.client.query(text, [...this.names, position, this.ttlMs]);
    return rowCount === 1;
  }

  async release(position: number): Promise<void> {
    const text = `UPDATE ${this.tables.group} SET position = $4, owner = '' WHERE topic = $1 AND name = $2 AND owner = $3`;
    await this.client.query(text, [...this.names, position]);
  }
}
