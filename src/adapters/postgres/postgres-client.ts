/** What is needed of a connection to PostgreSQL: `pg`'s `Client`, `PoolClient` and `Pool` have it. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<PostgresResult>;
}

/** What a query gives, as `pg` gives it. */
export interface PostgresResult {
  readonly rows: readonly unknown[];
  readonly rowCount: number | null;
  /** The command that was carried out; a commit of a failed transaction says `ROLLBACK`. */
  readonly command: string;
}

/** What a pool adds to a client that it lends. */
export interface PooledConnection {
  /** Gives the connection back; with an error it is closed instead. */
  release(error?: Error | boolean): void;
  /** Listens for the loss of a connection that is not asked anything at the moment. */
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
}

/** What is needed of a pool of connections: `pg`'s `Pool` has it. */
export interface PostgresPool<Client extends PostgresClient = PostgresClient> extends PostgresClient {
  connect(): Promise<Client & PooledConnection>;
}

/**
 * A table's name as it stands in a statement: `table` or `schema.table`, in lower case, quoted.
 *
 * @throws {TypeError} when it is anything else; a name cannot be a parameter of a statement, so it must be harmless.
 */
export function quoteTable(table: string): string {
  if (/^(?:[a-z_][a-z0-9_]{0,50}\.)?[a-z_][a-z0-9_]{0,50}$/.test(table)) return `"${table.replace('.', '"."')}"`;
  throw new TypeError(`Expected table to be like "name" or "schema.name", of a-z 0-9 _, got ${JSON.stringify(table)}`);
}
