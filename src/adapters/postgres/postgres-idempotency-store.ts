import type { Claim, ClaimRequest, IdempotencyStore } from '../../idempotency/idempotency-store.ts';
import { type PostgresClient, quoteTable } from './postgres-client.ts';

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /** A `pg` pool, or anything with its `query`. */
  readonly pool: PostgresClient;
  /** The table, made with `postgresStoreSchema`. Default `'makegood_idempotency'`. */
  readonly table?: string;
}

const defaultTable = 'makegood_idempotency';

/**
 * The table of `postgresStore` as SQL, safe to run again.
 *
 * @param table its name, with a schema or without. Default `'makegood_idempotency'`.
 * @throws {TypeError} when the name is not of a-z 0-9 _.
 * @example
 * postgresStoreSchema().includes('CREATE TABLE IF NOT EXISTS "makegood_idempotency"') // => true
 */
export function postgresStoreSchema(table: string = defaultTable): string {
  const name = quoteTable(table);
  // Tokens come from a sequence and not from the row: a key that was freed and claimed again must not repeat one.
  return `CREATE TABLE IF NOT EXISTS ${name} (
  key text COLLATE "C" PRIMARY KEY,
  fingerprint text NOT NULL,
  token bigint GENERATED ALWAYS AS IDENTITY,
  lease_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  result text
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS "${table.replace('.', '_')}_expires_at" ON ${name} (expires_at);
`;
}

interface Row {
  readonly fingerprint: string;
  readonly result: string | null;
  readonly lease_left_ms: number;
  readonly expired: boolean;
}

/** The statements, each one atomic; all times are the server's own, as they are when the row is looked at. */
function statementsFor(table: string) {
  const name = quoteTable(table);
  const free = `held.expires_at <= clock_timestamp() OR (held.result IS NULL
    AND held.lease_until <= clock_timestamp() AND held.fingerprint = excluded.fingerprint)`;
  return {
    claim: `INSERT INTO ${name} AS held (key, fingerprint, lease_until, expires_at)
      VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms', clock_timestamp() + greatest($3, $4) * interval '1 ms')
      ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, token = DEFAULT,
        lease_until = excluded.lease_until, expires_at = excluded.expires_at, result = NULL
      WHERE ${free} RETURNING token`,
    look: `SELECT fingerprint, result, expires_at <= clock_timestamp() AS expired,
      extract(epoch FROM lease_until - clock_timestamp())::float8 * 1000 AS lease_left_ms FROM ${name} WHERE key = $1`,
    renew: `UPDATE ${name} SET lease_until = clock_timestamp() + $3 * interval '1 ms',
      expires_at = clock_timestamp() + greatest($3, $4) * interval '1 ms'
      WHERE key = $1 AND token = $2 AND result IS NULL`,
    complete: `UPDATE ${name} SET result = coalesce(result, $3), expires_at = clock_timestamp() + $4 * interval '1 ms'
      WHERE key = $1 AND token = $2 AND (result IS NULL OR expires_at > clock_timestamp())`,
    release: `DELETE FROM ${name} WHERE key = $1 AND token = $2 AND result IS NULL`,
    purge: `DELETE FROM ${name} WHERE ctid IN (SELECT ctid FROM ${name}
      WHERE expires_at <= clock_timestamp() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
  };
}

/** An {@link IdempotencyStore} in a table, which wants its expired rows cleared away now and then. */
export interface PostgresStore extends IdempotencyStore {
  /** Deletes up to `limit` expired rows, 1,000 unless told otherwise; resolves with how many there were. */
  purge(limit?: number): Promise<number>;
}

class TableStore implements PostgresStore {
  private readonly pool: PostgresClient;
  private readonly sql: ReturnType<typeof statementsFor>;

  constructor({ pool, table = defaultTable }: PostgresStoreOptions) {
    this.pool = pool;
    this.sql = statementsFor(table);
  }

  async claim(key: string, { fingerprint, leaseMs, ttlMs }: ClaimRequest): Promise<Claim> {
    // Twice at the most in practice: a key is freed between the two statements only if its owner just failed.
    for (;;) {
      const { rows } = await this.pool.query(this.sql.claim, [key, fingerprint, leaseMs, ttlMs]);
      if (rows[0] !== undefined) return { kind: 'claimed', token: Number((rows[0] as { token: string }).token) };
      const found = await this.pool.query(this.sql.look, [key]);
      const row = found.rows[0] as Row | undefined;
      if (row === undefined || row.expired) continue;
      if (row.fingerprint !== fingerprint) return { kind: 'other-request' };
      if (row.result !== null) return { kind: 'done', result: row.result };
      if (row.lease_left_ms > 0) return { kind: 'running', leaseLeftMs: row.lease_left_ms };
    }
  }

  async renew(key: string, token: number, { leaseMs, ttlMs }: Omit<ClaimRequest, 'fingerprint'>): Promise<boolean> {
    return this.changedOne(this.sql.renew, [key, token, leaseMs, ttlMs]);
  }

  async complete(key: string, token: number, result: string, ttlMs: number): Promise<boolean> {
    return this.changedOne(this.sql.complete, [key, token, result, ttlMs]);
  }

  async release(key: string, token: number): Promise<void> {
    await this.pool.query(this.sql.release, [key, token]);
  }

  async mark(key: string, ttlMs: number): Promise<boolean> {
    const { rows } = await this.pool.query(this.sql.claim, [key, '', ttlMs, ttlMs]);
    return rows.length > 0;
  }

  async purge(limit: number = 1000): Promise<number> {
    const { rowCount } = await this.pool.query(this.sql.purge, [limit]);
    return rowCount ?? 0;
  }

  private async changedOne(text: string, values: unknown[]): Promise<boolean> {
    const { rowCount } = await this.pool.query(text, values);
    return rowCount === 1;
  }
}

/**
 * Keys and results in a PostgreSQL table: they survive what the database survives, and all its clients share them. A claim
 * is one statement; the server's clock decides about leases and expiry. Nothing is evicted: clear expired rows away with
 * `purge` from a timer of your own.
 *
 * @param options.pool a `pg` pool whose connections commit each statement; not one that is inside a transaction.
 * @param options.table the table. Default `'makegood_idempotency'`.
 * @throws {TypeError} when the table's name is not of a-z 0-9 _.
 * @example
 * const pool = { query: async () => ({ rows: [{ token: '7' }], rowCount: 1, command: 'INSERT' }) };
 * const store = postgresStore({ pool });
 * await store.claim('order-1', { fingerprint: '', leaseMs: 1000, ttlMs: 60_000 }) // => { kind: 'claimed', token: 7 }
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  return new TableStore(options);
}
