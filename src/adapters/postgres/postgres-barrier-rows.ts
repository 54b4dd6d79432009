import type { BarrierStore } from '../../participant/barrier.ts';
import type { BarrierReply, BarrierRow } from '../../participant/decide-barrier.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { type PostgresClient, quoteTable } from './postgres-client.ts';

/** The barrier's table unless told otherwise. */
export const barrierTable: string = 'makegood_barrier';

/**
 * The barrier's table as SQL, safe to run again. It belongs into the database of the business.
 *
 * @param table its name, with a schema or without. Default `'makegood_barrier'`.
 * @throws {TypeError} when the name is not of a-z 0-9 _.
 * @example
 * postgresBarrierSchema('shop.barrier').includes('CREATE TABLE IF NOT EXISTS "shop"."barrier"') // => true
 */
export function postgresBarrierSchema(table: string = barrierTable): string {
  const name = quoteTable(table);
  return `CREATE TABLE IF NOT EXISTS ${name} (
  saga text COLLATE "C" NOT NULL,
  step text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,
  action text CHECK (action IN ('applied', 'refused', 'barred')),
  action_status smallint,
  action_body text,
  undone_status smallint,
  undone_body text,
  called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (saga, step)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS "${table.replace('.', '_')}_called_at" ON ${name} (called_at);
`;
}

interface StoredRow {
  readonly epoch: string;
  readonly action: BarrierRow['action'];
  readonly action_status: number | null;
  readonly action_body: string | null;
  readonly undone_status: number | null;
  readonly undone_body: string | null;
}

function replyOf(status: number | null, body: string | null): BarrierReply | undefined {
  return status === null ? undefined : { status, body: body ?? '' };
}

class TableRows implements BarrierStore {
  private readonly tx: PostgresClient;
  private readonly name: string;

  constructor(tx: PostgresClient, table: string) {
    this.tx = tx;
    this.name = quoteTable(table);
  }

  // The insert waits for another transaction's row of the same key and then does nothing, or stands if that was rolled
  // back; it raises no error, which would end this transaction (25P02). The select then locks and sees what was committed.
  async lock(saga: string, step: string): Promise<BarrierRow | undefined> {
    const insert = `INSERT INTO ${this.name} (saga, step) VALUES ($1, $2) ON CONFLICT DO NOTHING`;
    const { rowCount } = await this.tx.query(insert, [saga, step]);
    if (rowCount === 1) return undefined;
    const select = `SELECT epoch, action, action_status, action_body, undone_status, undone_body FROM ${this.name}
      WHERE saga = $1 AND step = $2 FOR UPDATE`;
    const { rows } = await this.tx.query(select, [saga, step]);
    const row = rows[0] as StoredRow | undefined;
    // It was purged between the two statements, which the retention is there to prevent: begin anew.
    if (row === undefined) return this.lock(saga, step);
    // Committed without a verdict by somebody who did not let the barrier finish; nothing is known to be applied.
    if (row.action === null) return undefined;
    return {
      epoch: Number(row.epoch),
      action: row.action,
      actionReply: replyOf(row.action_status, row.action_body),
      undoneReply: replyOf(row.undone_status, row.undone_body),
    };
  }

  async save(saga: string, step: string, { epoch, action, actionReply, undoneReply }: BarrierRow): Promise<void> {
    const update = `UPDATE ${this.name} SET epoch = $3, action = $4, action_status = $5, action_body = $6,
      undone_status = $7, undone_body = $8, called_at = clock_timestamp() WHERE saga = $1 AND step = $2`;
    const { status: actionStatus = null, body: actionBody = null } = actionReply ?? {};
    const { status: undoneStatus = null, body: undoneBody = null } = undoneReply ?? {};
    const values = [saga, step, epoch, action, actionStatus, actionBody, undoneStatus, undoneBody];
    await this.tx.query(update, values);
  }

  async savepoint<Value>(work: () => Value | Promise<Value>): Promise<Value> {
    await this.tx.query('SAVEPOINT makegood_business');
    try {
      const value = await work();
      await this.tx.query('RELEASE SAVEPOINT makegood_business');
      return value;
    } catch (error) {
      await this.tx.query('ROLLBACK TO SAVEPOINT makegood_business');
      throw error;
    }
  }
}

/**
 * The barrier's rows in a transaction that is yours: `barrier(postgresBarrierRows(client), call, business)` between your
 * `BEGIN` and `COMMIT`. Meant for READ COMMITTED; at a stricter level a duplicate that comes at the same time fails with
 * SQLSTATE 40001 and may be made again.
 *
 * @param tx the client that holds the open transaction; not a pool.
 * @param options.table Default `'makegood_barrier'`.
 * @throws {TypeError} when the table's name is not of a-z 0-9 _.
 * @example
 * const tx = { query: async () => ({ rows: [], rowCount: 1, command: 'INSERT' }) };
 * await postgresBarrierRows(tx).lock('order-1', 'reserve') // => undefined
 */
export function postgresBarrierRows(tx: PostgresClient, options: { readonly table?: string } = {}): BarrierStore {
  return new TableRows(tx, options.table ?? barrierTable);
}

/**
 * Deletes barrier rows that no call can come for any more, the oldest first.
 *
 * @param client a client or a pool.
 * @param options.retention how long a saga can still send calls after its last one: its own retention.
 * @param options.maxFlight how long a request can be on its way. Default `'30s'`.
 * @param options.limit rows at a time. Default 1,000; call again while as many come back.
 * @returns how many were deleted.
 * @throws {TypeError} or {RangeError} when a duration is not one.
 * @example
 * const client = { query: async () => ({ rows: [], rowCount: 12, command: 'DELETE' }) };
 * await purgePostgresBarrier(client, { retention: '30d' }) // => 12
 */
export async function purgePostgresBarrier(
  client: PostgresClient,
  options: {
    readonly retention: Duration;
    readonly maxFlight?: Duration;
    readonly limit?: number;
    readonly table?: string;
  },
): Promise<number> {
  const { retention, maxFlight = '30s', limit = 1000, table = barrierTable } = options;
  const name = quoteTable(table);
  const olderMs = toMs(retention, 'retention') + toMs(maxFlight, 'maxFlight');
  const text = `DELETE FROM ${name} WHERE ctid IN (SELECT ctid FROM ${name}
    WHERE called_at < clock_timestamp() - $1 * interval '1 ms' ORDER BY called_at LIMIT $2 FOR UPDATE SKIP LOCKED)`;
  const { rowCount } = await client.query(text, [olderMs, limit]);
  return rowCount ?? 0;
}
