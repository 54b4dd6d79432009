import { TerminalError } from '../saga/terminal-error.ts';
import { assignments, quoteName, type RowPlace, type SqlClient } from './sql-client.ts';

/**
 * Adds to columns instead of setting them. Prevents the *lost update* without a lock or a version: additions give the same
 * sum in every order, and an undo takes away what its action added, whatever came in between.
 *
 * @param update.add column and what to add; negative takes away.
 * @param update.least the least value a column may fall to. Default: none.
 * @throws {TerminalError} with code `insufficient` when a column would fall below its least, `not-found` without the row.
 * @throws {RangeError} when an amount is not finite.
 * @throws {TypeError} when a name is not of a-z 0-9 _.
 * @see Richardson, "Microservices Patterns", 4.3.2: the countermeasure "commutative updates".
 * @example
 * const client = { query: async () => ({ rows: [{}], rowCount: 1 }) };
 * await commutativeUpdate(client, { table: 'stock', id: 'a', add: { left: -2 }, least: { left: 0 } }) // => undefined
 */
export async function commutativeUpdate(
  client: SqlClient,
  update: RowPlace & {
    readonly add: Readonly<Record<string, number>>;
    readonly least?: Readonly<Record<string, number>>;
  },
): Promise<void> {
  const { table, id, idColumn = 'id', add, least = {} } = update;
  for (const [column, amount] of Object.entries(add)) {
    if (!Number.isFinite(amount)) throw new RangeError(`Expected add.${column} to be a finite number, got ${amount}`);
  }
  const { text, values } = assignments(add, 2, (column, parameter) => `${column} + ${parameter}`);
  const conditions = Object.entries(least).map(([column], index) => {
    const name = quoteName(column, 'column');
    const added = Object.keys(add).indexOf(column);
    if (added === -1) throw new TypeError(`Expected least.${column} to be a column of add`);
    return ` AND ${name} + $${2 + added} >= $${2 + values.length + index}`;
  });
  const [tableName, idName] = [quoteName(table, 'table'), quoteName(idColumn, 'idColumn')];
  const parameters = [id, ...values, ...Object.values(least)];
  const { rowCount } = await client.query(
    `UPDATE ${tableName} SET ${text} WHERE ${idName} = $1${conditions.join('')}`,
    parameters,
  );
  if (rowCount === 1) return;
  const { rows } = await client.query(`SELECT FROM ${tableName} WHERE ${idName} = $1`, [id]);
  const code = rows.length === 0 ? 'not-found' : 'insufficient';
  throw new TerminalError(`${table} ${id}: ${code === 'not-found' ? 'no such row' : 'there is not enough left'}`, {
    code,
  });
}
