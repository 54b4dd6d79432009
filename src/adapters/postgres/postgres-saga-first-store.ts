/**
 * Saga-first steps in PostgreSQL: one row a step with its state, and every record beside it.
 *
 * A write is one statement that moves the row only from the number its writer has seen, and adds the record only if the
 * row has moved. So the first writer of a number wins it, and a record is never without its state. Text rather than jsonb
 * keeps what was registered to the letter: jsonb refuses U+0000 and reorders keys.
 */
import { MakegoodError } from '../../errors.ts';
import {
  limitOf,
  refuseOtherRegistration,
  sagaFirstRetention,
  type SagaFirstFilter,
  type SagaFirstPage,
  type SagaFirstSnapshot,
  type SagaFirstStore,
  SagaFirstStoreClosedError,
  type SagaFirstWrite,
} from '../../saga-first/saga-first-store.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import type { PostgresClient } from './postgres-client.ts';
import { freezeJson } from '../../saga/json-value.ts';
import type {
  CompensationRegistration,
  SagaFirstDraft,
  SagaFirstRecord,
} from '../../saga/saga-first/saga-first-record.ts';
import { applySagaFirst, mayFollow, type SagaFirstState } from '../../saga/saga-first/saga-first-state.ts';

/** Options of {@link openPostgresSagaFirstStore}. */
export interface PostgresSagaFirstStoreOptions {
  /** A `pg.Pool` with time-outs of its own, since a dead peer does not answer. The store does not end it. */
  readonly pool: PostgresClient;
  /** Of the table of steps; that of records has `_records` behind it. Letters, digits and `_`. Default `'makegood_saga_first'`. */
  readonly table?: string;
  /** How long closed steps are remembered, so that a call that comes again gets its result. Default `'30d'`. */
  readonly retention?: Duration;
}

/** The server would lose what it has acknowledged, so the store is not opened. */
export class NotDurableError extends MakegoodError {
  constructor(setting: string, value: string) {
    super(
      'MAKEGOOD_NOT_DURABLE',
      `PostgreSQL runs with ${setting} = ${value}: it would forget what it has acknowledged; set it to on for this role`,
    );
  }
}

// The store's clock: of the server, and moving within a transaction.
const nowMs = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::float8';

const closedStatuses = "'compensated', 'noop', 'resolved', 'released'";

const purgeEveryMs = 3_600_000;
const purgedAtATime = 1000;

function schemaOf(table: string): string {
  // One lock for all openers: CREATE … IF NOT EXISTS by itself fails when two of them meet.
  return `
    BEGIN;
    SELECT pg_advisory_xact_lock(hashtext('${table}'));
    CREATE TABLE IF NOT EXISTS ${table} (
      id text COLLATE "C" PRIMARY KEY, seq integer NOT NULL, status text NOT NULL, state text NOT NULL,
      changed_at bigint NOT NULL);
    CREATE INDEX IF NOT EXISTS ${table}_open ON ${table} (status, id)
      WHERE status IN ('registered', 'triggered', 'needs-human');
    CREATE INDEX IF NOT EXISTS ${table}_closed ON ${table} (changed_at) WHERE status IN (${closedStatuses});
    CREATE TABLE IF NOT EXISTS ${table}_records (
      id text COLLATE "C" NOT NULL, seq integer NOT NULL, record text NOT NULL, PRIMARY KEY (id, seq));
    COMMIT;`;
}

class PostgresSagaFirstStore implements SagaFirstStore {
  private readonly pool: PostgresClient;
  private readonly table: string;
  private readonly retentionMs: number;
  private purgedAtMs = 0;
  private closed = false;

  constructor(pool: PostgresClient, table: string, retentionMs: number) {
    this.pool = pool;
    this.table = table;
    this.retentionMs = retentionMs;
  }

  async register(id: string, registration: CompensationRegistration): Promise<SagaFirstWrite> {
    const found = await this.find(id);
    if (found.state === undefined) {
      const written = await this.write(id, undefined, { type: 'registered', ...registration }, found.now);
      if (written.won) return written;
      refuseOtherRegistration(written.state, registration);
      return written;
    }
    refuseOtherRegistration(found.state, registration);
    return { won: false, state: found.state, now: found.now };
  }

  async append(id: string, draft: SagaFirstDraft, expectedSeq: number): Promise<SagaFirstWrite> {
    const { state, now } = await this.find(id);
    if (state === undefined) throw new TypeError(`Expected "${id}" to be registered, got no such step`);
    if (state.seq !== expectedSeq || !mayFollow(state, draft.type)) return { won: false, state, now };
    return this.write(id, state, draft, now);
  }

  async read(id: string): Promise<SagaFirstSnapshot | undefined> {
    const { state, now } = await this.find(id);
    return state === undefined ? undefined : { state, now };
  }

  async list(filter: SagaFirstFilter): Promise<SagaFirstPage> {
    this.guard();
    const { rows } = await this.pool.query(
      `SELECT ${nowMs} AS now, state FROM (SELECT 1) AS one LEFT JOIN LATERAL (
         SELECT state, id FROM ${this.table} WHERE status = ANY($1) AND id > $2 ORDER BY id LIMIT $3) AS steps ON true
       ORDER BY id`,
      [[...filter.statuses], filter.after ?? '', limitOf(filter)],
    );
    const states = rows.map((row) => stateOf(row)).filter((state) => state !== undefined);
    const now = Number(columnOf(rows[0], 'now'));
    await this.purge(now);
    return { items: states, now };
  }

  /** Forgets what has been closed for the retention, now and then: it is whoever looks for open steps that tidies up. */
  private async purge(now: number): Promise<void> {
    if (now - this.purgedAtMs < purgeEveryMs || this.retentionMs === Infinity) return;
    this.purgedAtMs = now;
    for (let gone = purgedAtATime; gone === purgedAtATime; ) {
      const { rows } = await this.pool.query(
        `WITH gone AS (DELETE FROM ${this.table} WHERE id IN (SELECT id FROM ${this.table}
           WHERE status IN (${closedStatuses}) AND changed_at <= $1 ORDER BY changed_at LIMIT ${purgedAtATime}
           FOR UPDATE SKIP LOCKED) RETURNING id),
         records AS (DELETE FROM ${this.table}_records USING gone WHERE ${this.table}_records.id = gone.id)
         SELECT count(*)::int AS count FROM gone`,
        [now - this.retentionMs],
      );
      gone = Number(columnOf(rows[0], 'count'));
    }
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async find(id: string): Promise<{ readonly state: SagaFirstState | undefined; readonly now: number }> {
    this.guard();
    const { rows } = await this.pool.query(
      `SELECT ${nowMs} AS now, state FROM (SELECT 1) AS one LEFT JOIN ${this.table} ON id = $1`,
      [id],
    );
    return { state: stateOf(rows[0]), now: Number(columnOf(rows[0], 'now')) };
  }

  private async write(
    id: string,
    before: SagaFirstState | undefined,
    draft: SagaFirstDraft,
    now: number,
  ): Promise<SagaFirstWrite> {
    const record: SagaFirstRecord = { ...draft, seq: (before?.seq ?? 0) + 1, at: now };
    const state = applySagaFirst(id, before, record);
    const { rows } = await this.pool.query(
      `WITH moved AS (${before === undefined ? this.insertion : this.movement} RETURNING id)
       INSERT INTO ${this.table}_records (id, seq, record) SELECT id, $2, $5 FROM moved RETURNING id`,
      [id, state.seq, state.status, JSON.stringify(state), JSON.stringify(record), now],
    );
    if (rows.length > 0) return { won: true, state, now };
    const holding = await this.find(id);
    if (holding.state === undefined) throw new TypeError(`Expected "${id}" to stay registered, got no such step`);
    return { won: false, state: holding.state, now: holding.now };
  }

  private get insertion(): string {
    return `INSERT INTO ${this.table} (id, seq, status, state, changed_at) VALUES ($1, $2, $3, $4, $6)
      ON CONFLICT (id) DO NOTHING`;
  }

  private get movement(): string {
    return `UPDATE ${this.table} SET seq = $2, status = $3, state = $4, changed_at = $6 WHERE id = $1 AND seq = $2 - 1`;
  }

  private guard(): void {
    if (this.closed) throw new SagaFirstStoreClosedError();
  }
}

function columnOf(row: unknown, name: string): unknown {
  return (row as Readonly<Record<string, unknown>> | undefined)?.[name];
}

function stateOf(row: unknown): SagaFirstState | undefined {
  const state = columnOf(row, 'state');
  return typeof state === 'string' ? freezeJson(JSON.parse(state) as SagaFirstState) : undefined;
}

/**
 * Opens the store of saga-first steps in a PostgreSQL database, for any number of processes; makes its tables when they
 * are not there. Time is the server's.
 *
 * @param options.pool a `pg.Pool`, with time-outs; the store does not end it.
 * @throws {NotDurableError} when the server acknowledges before it is durable (`synchronous_commit = off`).
 * @throws {TypeError} when `table` is no name.
 * @example
 * ```ts no-run
 * const pool = new Pool({ connectionString, query_timeout: 10_000 });
 * await using store = await openPostgresSagaFirstStore({ pool });
 * ```
 */
export async function openPostgresSagaFirstStore(options: PostgresSagaFirstStoreOptions): Promise<SagaFirstStore> {
  const { pool, table = 'makegood_saga_first', retention = sagaFirstRetention } = options;
  const retentionMs = toMs(retention, 'retention', { allowInfinity: true });
  if (!/^[a-z_][a-z0-9_]{0,50}$/.test(table))
    throw new TypeError(`Expected table to be a name of a-z 0-9 _, up to 51 long, got ${JSON.stringify(table)}`);
  const { rows } = await pool.query('SHOW synchronous_commit');
  const commit = String(columnOf(rows[0], 'synchronous_commit'));
  if (commit === 'off') throw new NotDurableError('synchronous_commit', commit);
  await pool.query(schemaOf(table));
  return new PostgresSagaFirstStore(pool, table, retentionMs);
}
