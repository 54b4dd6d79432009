import { TerminalError } from '../saga/terminal-error.ts';
import { assignments, quoteName, type RowPlace, type SqlClient } from './sql-client.ts';

/** What {@link versionedUpdate} is told. */
export interface VersionedUpdate extends RowPlace {
  /** The version that the decision was made on: the step's pin. */
  readonly version: string | number;
  /** Column and new value. */
  readonly set: Readonly<Record<string, unknown>>;
  /** The column of the version, raised by one (of an integer) with the write. Default `'version'`. */
  readonly versionColumn?: string;
}

/**
 * Writes a row only if it still has the version that the decision was made on, in one statement. Prevents the *lost update*:
 * a late retry that overwrites newer state, and a decision that is carried out though what it was made on has changed.
 *
 * @returns the new version.
 * @throws {TerminalError} with code `superseded` when the row has another version, or is not there: definite, not to be
 * retried as it is. Decide anew on what stands there now.
 * @throws {TypeError} when a name is not of a-z 0-9 _.
 * @see Richardson, "Microservices Patterns", 4.3.2: the countermeasure "reread value".
 * @example
 * const client = { query: async () => ({ rows: [{ version: 8 }], rowCount: 1 }) };
 * await versionedUpdate(client, { table: 'price', id: 'sku-1', version: 7, set: { pence: 990 } }) // => 8
 */
export async function versionedUpdate(client: SqlClient, update: VersionedUpdate): Promise<number> {
  const { table, id, idColumn = 'id', version, versionColumn = 'version', set } = update;
  const versionName = quoteName(versionColumn, 'versionColumn');
  const { text, values } = assignments(set, 3, (_, parameter) => parameter);
  // The condition and the write are one statement: between a check and a write another could come.
  const { rows } = await client.query(
    `UPDATE ${quoteName(table, 'table')} SET ${text}, ${versionName} = ${versionName} + 1
     WHERE ${quoteName(idColumn, 'idColumn')} = $1 AND ${versionName} = $2 RETURNING ${versionName} AS version`,
    [id, version, ...values],
  );
  const row = rows[0] as { readonly version: string | number } | undefined;
  if (row !== undefined) return Number(row.version);
  throw new TerminalError(`${table} ${id} is no longer at version ${version}`, { code: 'superseded' });
}

/**
 * Reads a value, decides on it and writes the outcome, and begins again when another has written in between. Prevents the
 * *non-repeatable read*: a write that is based on what is no longer so. The decision is made anew each time, never re-sent.
 *
 * @param options.read gives the row with its version, `undefined` when it is not there.
 * @param options.decide pure: the columns to write, or `undefined` for nothing.
 * @param options.maxAttempts how often to decide. Default 5.
 * @returns the new version, or `undefined` when nothing was to be written.
 * @throws {TerminalError} with code `superseded` when others were faster every time, or the row is not there.
 * @example
 * const client = { query: async () => ({ rows: [{ version: 2 }], rowCount: 1 }) };
 * const read = async () => ({ version: 1, left: 3 });
 * const decide = ({ left }) => (left > 0 ? { left: left - 1 } : undefined);
 * await rereadValue(client, { table: 'stock', id: 'a', read, decide }) // => 2
 */
export async function rereadValue<Row extends { readonly version: string | number }>(
  client: SqlClient,
  options: RowPlace & {
    readonly read: () => Promise<Row | undefined>;
    readonly decide: (row: Row) => Readonly<Record<string, unknown>> | undefined;
    readonly maxAttempts?: number;
  },
): Promise<number | undefined> {
  const { read, decide, maxAttempts = 5, ...place } = options;
  for (let attempt = 1; ; attempt++) {
    const row = await read();
    if (row === undefined) throw new TerminalError(`${place.table} ${place.id} is not there`, { code: 'superseded' });
    const set = decide(row);
    if (set === undefined) return undefined;
    try {
      return await versionedUpdate(client, { ...place, version: row.version, set });
    } catch (error) {
      if (attempt >= maxAttempts || !(error instanceof TerminalError)) throw error;
    }
  }
}
