/**
 * An outbox as a table from which what was published is deleted, so nothing is skipped, however late it commits.
 *
 * Positions come from a sequence while the lane, or the row of the source's numbers, is locked until the commit: a later
 * event of one source and saga has a later position, and is never visible without the earlier one.
 */
import type { BrokerMessage } from '../../../choreography/broker.ts';
import { encodeEvent } from '../../../choreography/cloud-event.ts';
import type { Outbox, OutboxDraft, RelayPass } from '../../../choreography/outbox.ts';
import type { PostgresClient, PostgresPool } from '../postgres-client.ts';
import type { LedgerTables } from './ledger-schema.ts';
import { inTransaction } from '../transaction.ts';

interface StoredMessage {
  readonly pos: string;
  readonly topic: string;
  readonly key: string;
  readonly id: string;
  readonly value: string;
  readonly headers: string;
}

/** The outbox of a ledger. */
export class PostgresOutbox<Client extends PostgresClient> implements Outbox<Client> {
  private readonly pool: PostgresPool<Client>;
  private readonly tables: LedgerTables;
  private readonly lockTimeoutMs: number;

  constructor(pool: PostgresPool<Client>, tables: LedgerTables, lockTimeoutMs: number) {
    this.pool = pool;
    this.tables = tables;
    this.lockTimeoutMs = lockTimeoutMs;
  }

  async add(client: Client, drafts: readonly OutboxDraft[]): Promise<void> {
    if (drafts.length === 0) return;
    const numbers = await this.number(client, drafts);
    const columns = drafts.map(({ topic, event, headers = {}, delayMs = 0 }, index) => {
      const value = encodeEvent({ ...event, sequence: event.sequence ?? (numbers[index] as number) });
      return [topic, event.sagaid, event.id, value, JSON.stringify(headers), delayMs > 0 ? delayMs : null] as const;
    });
    const text = `INSERT INTO ${this.tables.outbox} (topic, key, id, value, headers, due)
      SELECT topic, key, id, value, headers, clock_timestamp() + delay * interval '1 ms'
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[])
        WITH ORDINALITY AS made (topic, key, id, value, headers, delay, n) ORDER BY n`;
    await client.query(
      text,
      [0, 1, 2, 3, 4, 5].map((column) => columns.map((row) => row[column])),
    );
  }

  relay(publish: (messages: readonly BrokerMessage[]) => Promise<void>, limit: number): Promise<RelayPass> {
    const { outbox, relay } = this.tables;
    return inTransaction(this.pool, this.lockTimeoutMs, async (client) => {
      const { rows: turn } = await client.query(`SELECT id FROM ${relay} FOR UPDATE SKIP LOCKED`);
      if (turn.length === 0) return { sent: 0 };
      const { rows } = await client.query(
        `(SELECT pos, topic, key, id, value, headers FROM ${outbox} WHERE due IS NULL ORDER BY pos LIMIT $1)
         UNION ALL
         (SELECT pos, topic, key, id, value, headers FROM ${outbox} WHERE due <= clock_timestamp() ORDER BY due, pos LIMIT $1)`,
        [limit],
      );
      const stored = rows as readonly StoredMessage[];
      if (stored.length > 0) {
        await publish(stored.map(messageOf));
        await client.query(`DELETE FROM ${outbox} WHERE pos = ANY($1::bigint[])`, [stored.map(({ pos }) => pos)]);
      }
      return { sent: stored.length, nextDueMs: await this.nextDueMs(client) };
    });
  }

  private async nextDueMs(client: Client): Promise<number | undefined> {
    const text = `SELECT extract(epoch FROM min(due) - clock_timestamp())::float8 * 1000 AS ms
      FROM ${this.tables.outbox} WHERE due IS NOT NULL`;
    const { rows } = await client.query(text);
    const { ms } = rows[0] as { readonly ms: number | null };
    return ms === null ? undefined : Math.max(0, ms);
  }

  /** The numbers of events that have none yet, dense for each source in its saga. */
  private async number(client: Client, drafts: readonly OutboxDraft[]): Promise<readonly (number | undefined)[]> {
    const next = new Map<string, { readonly source: string; readonly saga: string; count: number; last: number }>();
    for (const draft of drafts) {
      const { source, sagaid: saga, sequence } = draft.event;
      if (sequence !== undefined) continue;
      const counter = next.get(counterOf(source, saga)) ?? { source, saga, count: 0, last: 0 };
      counter.count++;
      next.set(counterOf(source, saga), counter);
    }
    const counters = [...next.values()];
    if (counters.length > 0) {
      const text = `INSERT INTO ${this.tables.sequence} AS counter (source, saga, last)
        SELECT made.source, made.saga, made.count FROM unnest($1::text[], $2::text[], $3::int[]) AS made (source, saga, count)
        ORDER BY made.source COLLATE "C", made.saga COLLATE "C"
        ON CONFLICT (source, saga) DO UPDATE SET last = counter.last + excluded.last, changed_at = clock_timestamp()
        RETURNING source, saga, last`;
      const columns = [
        counters.map(({ source }) => source),
        counters.map(({ saga }) => saga),
        counters.map(({ count }) => count),
      ];
      const { rows } = await client.query(text, columns);
      for (const { source, saga, last } of rows as readonly { source: string; saga: string; last: string }[]) {
        const counter = next.get(counterOf(source, saga));
        if (counter !== undefined) counter.last = Number(last) - counter.count;
      }
    }
    return drafts.map((draft) => {
      const counter =
        draft.event.sequence === undefined ? next.get(counterOf(draft.event.source, draft.event.sagaid)) : undefined;
      return counter === undefined ? undefined : ++counter.last;
    });
  }
}

/** Whose numbers an event is counted by. */
function counterOf(source: string, saga: string): string {
  return JSON.stringify([source, saga]);
}

function messageOf({ topic, key, id, value, headers }: StoredMessage): BrokerMessage {
  return { topic, key, id, value, headers: JSON.parse(headers) as Record<string, string> };
}
