import { quoteName, type SqlClient } from './sql-client.ts';

/**
 * The table of {@link versionFile} as SQL, safe to run again.
 *
 * @param table its name. Default `'makegood_version_file'`.
 * @throws {TypeError} when the name is not of a-z 0-9 _.
 * @example
 * versionFileSchema().startsWith('CREATE TABLE IF NOT EXISTS "makegood_version_file"') // => true
 */
export function versionFileSchema(table: string = 'makegood_version_file'): string {
  return `CREATE TABLE IF NOT EXISTS ${quoteName(table, 'table')} (
  entity text COLLATE "C" NOT NULL, sequence bigint NOT NULL, operation text NOT NULL, body jsonb,
  applied boolean NOT NULL DEFAULT false, PRIMARY KEY (entity, sequence)
);
`;
}

/** An operation on an entity, numbered by whoever decides their order, from 1 without a gap. */
export interface FiledOperation {
  readonly sequence: number;
  readonly operation: string;
  readonly body: unknown;
}

/**
 * Files an operation on an entity and returns those that are due now, in their order: all that follow without a gap on what
 * was applied. Prevents *reordering*: a cancel that comes before its create waits for it and is applied after it. In one
 * transaction with what it applies; of two transactions at once on one entity the second waits for the first.
 *
 * @param filed.entity the entity's key.
 * @returns the operations to apply now; none when one before them is still missing, or this one was filed before.
 * @throws {RangeError} when the sequence is not an integer ≥ 1.
 * @see Richardson, "Microservices Patterns", 4.3.2: the countermeasure "version file".
 * @example
 * const client = { query: async () => ({ rows: [], rowCount: 0 }) };
 * await versionFile(client, { entity: 'order-1', sequence: 2, operation: 'cancel', body: null }) // => []
 */
export async function versionFile(
  client: SqlClient,
  filed: FiledOperation & { readonly entity: string; readonly table?: string },
): Promise<readonly FiledOperation[]> {
  const { entity, sequence, operation, body, table = 'makegood_version_file' } = filed;
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    throw new RangeError(`Expected sequence to be an integer ≥ 1, got ${sequence}`);
  }
  const name = quoteName(table, 'table');
  // Until this transaction ends, nobody else files for this entity: two that came at once would both miss the other's.
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1987))', [`${table}/${entity}`]);
  await client.query(
    `INSERT INTO ${name} (entity, sequence, operation, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [entity, sequence, operation, JSON.stringify(body ?? null)],
  );
  // A row whose place among the entity's rows is its own number has no gap before it.
  const { rows } = await client.query(
    `WITH numbered AS (SELECT sequence, row_number() OVER (ORDER BY sequence) AS place FROM ${name} WHERE entity = $1)
     UPDATE ${name} AS filed SET applied = true FROM numbered
     WHERE filed.entity = $1 AND filed.sequence = numbered.sequence AND numbered.place = numbered.sequence
       AND NOT filed.applied RETURNING filed.sequence, filed.operation, filed.body`,
    [entity],
  );
  const due = rows.map((row) => {
    const found = row as { readonly sequence: string; readonly operation: string; readonly body: unknown };
    return { sequence: Number(found.sequence), operation: found.operation, body: found.body };
  });
  return due.sort((left, right) => left.sequence - right.sequence);
}
