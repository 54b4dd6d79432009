import { TerminalError } from '../saga/terminal-error.ts';
import { RowPendingError } from './row-pending-error.ts';
import { quoteName, type RowPlace, type SqlClient } from './sql-client.ts';

/** A mark on a row that says which saga is changing it. */
export interface SemanticLock extends RowPlace {
  /** Who locks: the saga's id. */
  readonly saga: string;
  /** The column that holds the saga's id while it is at work, else null. Default `'pending_saga'`. */
  readonly column?: string;
}

/**
 * Marks a row as being changed by a saga, until its last step or its compensation clears the mark. Prevents the *dirty
 * read*: another saga that builds on what may still be undone. It is a mark that outlives the transaction, not a database
 * lock; others fail fast and come back, so no two sagas can wait for each other.
 *
 * Safe to repeat: the same saga may lock again what it has locked.
 *
 * @throws {RowPendingError} when another saga has it; not definite, so the step is retried by its
 * policy and ends there if the other never does.
 * @throws {TerminalError} with code `not-found` when there is no such row.
 * @see Garcia-Molina and Salem, "Sagas", SIGMOD 1987; Richardson, "Microservices Patterns", 4.3.2: "semantic lock".
 * @example
 * const client = { query: async () => ({ rows: [], rowCount: 1 }) };
 * await semanticLock(client, { table: 'account', id: 1, saga: 'order-1' }) // => undefined
 */
export async function semanticLock(client: SqlClient, lock: SemanticLock): Promise<void> {
  const { table, id, idColumn = 'id', saga, column = 'pending_saga' } = lock;
  const [tableName, idName, name] = [
    quoteName(table, 'table'),
    quoteName(idColumn, 'idColumn'),
    quoteName(column, 'column'),
  ];
  const update = `UPDATE ${tableName} SET ${name} = $2 WHERE ${idName} = $1 AND (${name} IS NULL OR ${name} = $2)`;
  const { rowCount } = await client.query(update, [id, saga]);
  if (rowCount === 1) return;
  const { rows } = await client.query(`SELECT ${name} AS holder FROM ${tableName} WHERE ${idName} = $1`, [id]);
  const row = rows[0] as { readonly holder: string | null } | undefined;
  if (row === undefined) throw new TerminalError(`${table} ${id}: no such row`, { code: 'not-found' });
  throw new RowPendingError(`${table} ${id}`, row.holder ?? 'a saga that has just ended');
}

/**
 * Clears the mark of {@link semanticLock}, by the saga that set it; nothing happens when it is not set. Safe to repeat.
 *
 * @example
 * const client = { query: async () => ({ rows: [], rowCount: 1 }) };
 * await releaseSemanticLock(client, { table: 'account', id: 1, saga: 'order-1' }) // => undefined
 */
export async function releaseSemanticLock(client: SqlClient, lock: SemanticLock): Promise<void> {
  const { table, id, idColumn = 'id', saga, column = 'pending_saga' } = lock;
  const [tableName, idName, name] = [
    quoteName(table, 'table'),
    quoteName(idColumn, 'idColumn'),
    quoteName(column, 'column'),
  ];
  await client.query(`UPDATE ${tableName} SET ${name} = NULL WHERE ${idName} = $1 AND ${name} = $2`, [id, saga]);
}
