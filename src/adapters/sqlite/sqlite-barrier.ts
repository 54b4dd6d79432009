import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { BarrierStore } from '../../participant/barrier.ts';
import type { BarrierReply, BarrierRow } from '../../participant/decide-barrier.ts';
import type { Barrier } from '../../participant/memory-barrier.ts';

/** Options of {@link sqliteBarrier}. */
export interface SqliteBarrierOptions {
  /** The database of the business, open; nobody else may begin a transaction on this object. */
  readonly database: DatabaseSync;
}

const schema = `CREATE TABLE IF NOT EXISTS makegood_barrier (
  saga TEXT NOT NULL,
  step TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('applied', 'refused', 'barred')),
  action_status INTEGER, action_body TEXT, undone_status INTEGER, undone_body TEXT,
  called_at INTEGER NOT NULL DEFAULT (unixepoch()),
  PRIMARY KEY (saga, step)
) WITHOUT ROWID, STRICT`;

function replyOf(status: SQLOutputValue | undefined, body: SQLOutputValue | undefined): BarrierReply | undefined {
  return typeof status === 'number' ? { status, body: typeof body === 'string' ? body : '' } : undefined;
}

/* oxlint-disable typescript/require-await -- SQLite answers at once; the ports are asynchronous for those that do not */
class DatabaseRows implements BarrierStore {
  private readonly database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  // The transaction was begun IMMEDIATE: it holds the one lock that writers of this file have, so nothing needs locking.
  async lock(saga: string, step: string): Promise<BarrierRow | undefined> {
    const row = this.database.prepare('SELECT * FROM makegood_barrier WHERE saga = ? AND step = ?').get(saga, step);
    if (row === undefined) return undefined;
    return {
      epoch: Number(row['epoch']),
      action: row['action'] as BarrierRow['action'],
      actionReply: replyOf(row['action_status'], row['action_body']),
      undoneReply: replyOf(row['undone_status'], row['undone_body']),
    };
  }

  async save(saga: string, step: string, { epoch, action, actionReply, undoneReply }: BarrierRow): Promise<void> {
    const { status: actionStatus = null, body: actionBody = null } = actionReply ?? {};
    const { status: undoneStatus = null, body: undoneBody = null } = undoneReply ?? {};
    this.database
      .prepare('INSERT OR REPLACE INTO makegood_barrier VALUES (?, ?, ?, ?, ?, ?, ?, ?, unixepoch())')
      .run(saga, step, epoch, action, actionStatus, actionBody, undoneStatus, undoneBody);
  }

  async savepoint<Value>(work: () => Value | Promise<Value>): Promise<Value> {
    this.database.exec('SAVEPOINT makegood_business');
    try {
      const value = await work();
      this.database.exec('RELEASE makegood_business');
      return value;
    } catch (error) {
      this.database.exec('ROLLBACK TO makegood_business; RELEASE makegood_business');
      throw error;
    }
  }
}

class DatabaseBarrier implements Barrier<DatabaseSync> {
  private readonly database: DatabaseSync;
  private last: Promise<unknown> = Promise.resolve();

  constructor(database: DatabaseSync) {
    this.database = database;
    database.exec(schema);
  }

  // One connection has one transaction, so calls take turns. Other processes on the file wait in SQLite's busy time-out.
  async transaction<Value>(
    work: (transaction: DatabaseSync, store: BarrierStore) => Promise<Value>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Value> {
    const turn = this.last.then(() => this.inTurn(work, signal));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async inTurn<Value>(
    work: (transaction: DatabaseSync, store: BarrierStore) => Promise<Value>,
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    signal?.throwIfAborted();
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const value = await work(this.database, new DatabaseRows(this.database));
      this.database.exec('COMMIT');
      return value;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }
}

/**
 * Runs a participant's transactions in SQLite (`node:sqlite`), the barrier's rows beside the business's own. Makes its table
 * `makegood_barrier` when it is not there. The functions of an action are given the database as `tx`.
 *
 * @param options.database open, with `PRAGMA journal_mode = WAL` and `synchronous = FULL` where a power loss counts.
 * @example
 * const { DatabaseSync } = await import('node:sqlite');
 * const rows = sqliteBarrier({ database: new DatabaseSync(':memory:') });
 * await rows.transaction((tx, store) => store.lock('order-1', 'reserve')) // => undefined
 */
export function sqliteBarrier(options: SqliteBarrierOptions): Barrier<DatabaseSync> {
  return new DatabaseBarrier(options.database);
}

/**
 * Deletes barrier rows that no call can come for any more.
 *
 * @param options.olderThanS how long ago the last call of a step was, in seconds: the saga's retention and the longest
 * flight of a request.
 * @returns how many were deleted.
 * @throws {RangeError} when the age is not an integer ≥ 1.
 * @example
 * const { DatabaseSync } = await import('node:sqlite');
 * const database = new DatabaseSync(':memory:');
 * sqliteBarrier({ database });
 * purgeSqliteBarrier(database, { olderThanS: 30 * 86_400 }) // => 0
 */
export function purgeSqliteBarrier(database: DatabaseSync, options: { readonly olderThanS: number }): number {
  const { olderThanS } = options;
  if (!Number.isInteger(olderThanS) || olderThanS < 1) {
    throw new RangeError(`Expected olderThanS to be an integer ≥ 1, got ${olderThanS}`);
  }
  const purge = database.prepare('DELETE FROM makegood_barrier WHERE called_at < unixepoch() - ?');
  return Number(purge.run(olderThanS).changes);
}
