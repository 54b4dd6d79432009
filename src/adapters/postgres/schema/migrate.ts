import { createHash } from 'node:crypto';
import type { PostgresClient, PostgresPool } from '../postgres-client.ts';
import { journalMigration } from './0001-journal.ts';
import { leaseMigration } from './0002-leases.ts';
import { commandMigration } from './0003-commands.ts';
import { retentionMigration } from './0004-retention.ts';
import { commandsOnceMigration } from './0005-commands-once.ts';
import type { Migration } from './migration.ts';
import { SchemaMismatchError } from './schema-mismatch-error.ts';

/** Options of {@link migratePostgres}. */
export interface MigrateOptions {
  /** A `pg` pool of a role that may create what a migration creates. */
  readonly pool: PostgresPool;
  /** The schema that holds the journal; one for each journal in the database. Default `'makegood'`. */
  readonly schema?: string;
  /**
   * Into how many shards a new journal is divided, a power of two up to 1,024: as many nodes can share the work. Fixed
   * once it is made. Default 64.
   */
  readonly shards?: number;
}

/** What {@link migratePostgres} does when it is not told otherwise. */
export const migrateDefaults: Readonly<Required<Pick<MigrateOptions, 'schema' | 'shards'>>> = Object.freeze({
  schema: 'makegood',
  shards: 64,
});

const migrations: readonly Migration[] = [
  journalMigration,
  leaseMigration,
  commandMigration,
  retentionMigration,
  commandsOnceMigration,
];
/** The number of the schema that this version is written for. */
export const currentSchema: number = migrations.length;
/** How many days of the journal have a partition ahead of them. */
const daysAhead = 7;

/**
 * The name of a schema as it stands in a statement.
 *
 * @throws {TypeError} when it is not of a-z 0-9 _.
 */
export function quoteSchema(schema: string): string {
  if (/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) return `"${schema}"`;
  throw new TypeError(`Expected schema to be a name of a-z 0-9 _, up to 51 long, got ${JSON.stringify(schema)}`);
}

function checkShards(shards: number): number {
  if (Number.isInteger(shards) && shards >= 1 && shards <= 1024 && Number.isInteger(Math.log2(shards))) return shards;
  throw new RangeError(`Expected shards to be a power of two from 1 to 1024, got ${shards}`);
}

function checksumOf({ sql }: Migration): string {
  // Of the text for a fixed number of shards: what it says must not change, how many there are may.
  return createHash('sha256')
    .update(sql({ shards: 64 }))
    .digest('hex');
}

interface Applied {
  readonly number: number;
  readonly checksum: string;
  readonly oldest: number;
}

/** What was applied so far; `undefined` when there is no such schema. */
async function appliedIn(client: PostgresClient, schema: string): Promise<readonly Applied[] | undefined> {
  const table = `${schema}.migration`;
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS found', [table]);
  if (!(rows[0] as { found: boolean }).found) return undefined;
  const found = await client.query(`SELECT number, checksum, oldest FROM ${table} ORDER BY number`);
  return found.rows as readonly Applied[];
}

/** Refuses a schema whose past is not ours, or whose present is too new for us. */
function checkPast(schema: string, applied: readonly Applied[]): void {
  for (const { number, checksum, oldest } of applied) {
    if (oldest > currentSchema) {
      const why = `migration ${number} needs a version that knows schema ${oldest}, and this one knows ${currentSchema}`;
      throw new SchemaMismatchError(schema, `${why}; upgrade this node`);
    }
    const own = migrations[number - 1];
    if (own !== undefined && checksumOf(own) !== checksum)
      throw new SchemaMismatchError(schema, `migration ${number} was applied with another text than this version has`);
  }
}

/**
 * Checks that a schema is one that this version works with.
 *
 * @throws {SchemaMismatchError} when it is missing, lacks a migration, or is too new.
 */
export async function checkSchema(client: PostgresClient, schema: string): Promise<void> {
  const applied = await appliedIn(client, quoteSchema(schema));
  if (applied === undefined) throw new SchemaMismatchError(schema, 'it is not there; run migratePostgres');
  checkPast(schema, applied);
  if (applied.length < currentSchema)
    throw new SchemaMismatchError(schema, `it lacks migration ${applied.length + 1}; run migratePostgres`);
}

async function apply(client: PostgresClient, schema: string, shards: number): Promise<number> {
  const name = quoteSchema(schema);
  // One at a time, whoever they are; the lock goes with the transaction, also behind a pooler.
  await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`makegood migrations of ${schema}`]);
  let applied = await appliedIn(client, name);
  if (applied?.length !== undefined && applied.length >= currentSchema) return 0;
  if (applied === undefined) {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${name};
      CREATE TABLE ${name}.migration (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
        oldest integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
    applied = [];
  }
  checkPast(schema, applied);
  // What is temporary is looked for last, so that nobody can put a table of theirs in the place of ours.
  await client.query(`SET LOCAL search_path TO ${name}, pg_temp`);
  const missing = migrations.slice(applied.length);
  for (const migration of missing) {
    await client.query(migration.sql({ shards }));
    await client.query(`INSERT INTO migration (number, name, checksum, oldest) VALUES ($1, $2, $3, $4)`, [
      migration.number,
      migration.name,
      checksumOf(migration),
      migration.oldest,
    ]);
  }
  await client.query('SELECT make_days_1($1)', [daysAhead]);
  return missing.length;
}

/**
 * Brings the schema of a PostgreSQL journal up to this version: numbered steps, forward only, all of them or none. Safe to
 * run again, and by many at once; nodes of the version before go on working. Run it with a role that owns the schema, and
 * grant the role of the nodes what the guide says.
 *
 * @returns how many migrations were applied; 0 when there was nothing to do.
 * @throws {SchemaMismatchError} when what was applied before is not what this version knows.
 * @example
 * ```ts no-run
 * await migratePostgres({ pool: new Pool({ connectionString }) });
 * ```
 */
export async function migratePostgres(options: MigrateOptions): Promise<number> {
  const { pool, schema, shards } = { ...migrateDefaults, ...options };
  quoteSchema(schema);
  checkShards(shards);
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const applied = await apply(client, schema, shards);
    await client.query('COMMIT');
    client.release();
    return applied;
  } catch (error) {
    // The connection goes, and the transaction with it.
    client.release(true);
    throw error;
  }
}
