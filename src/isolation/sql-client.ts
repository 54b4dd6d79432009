/** What is needed of a PostgreSQL client, such as `pg`'s: the one that holds the transaction your other writes are in. */
export interface SqlClient {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>;
}

/** A table, and the columns the helpers need to know of it. Names are of a-z 0-9 _; a table may have a schema. */
export interface RowPlace {
  readonly table: string;
  /** The row's key. */
  readonly id: string | number;
  /** The column of the key. Default `'id'`. */
  readonly idColumn?: string;
}

/**
 * A name as it stands in a statement: names cannot be parameters, so they must be harmless.
 *
 * @throws {TypeError} when it is not of a-z 0-9 _, with one dot at most.
 */
export function quoteName(name: string, what: string): string {
  if (/^(?:[a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}$/.test(name)) return `"${name.replace('.', '"."')}"`;
  throw new TypeError(`Expected ${what} to be a name of a-z 0-9 _, got ${JSON.stringify(name)}`);
}

/** `"a" = $2, "b" = $3` for the columns to set, and their values; the first parameter's number is `from`. */
export function assignments(
  set: Readonly<Record<string, unknown>>,
  from: number,
  write: (column: string, parameter: string) => string,
): { readonly text: string; readonly values: readonly unknown[] } {
  const entries = Object.entries(set);
  if (entries.length === 0) throw new RangeError('Expected at least one column to write, got none');
  const parts = entries.map(([column], index) => {
    const name = quoteName(column, 'column');
    return `${name} = ${write(name, `$${from + index}`)}`;
  });
  return { text: parts.join(', '), values: entries.map(([, value]) => value) };
}
