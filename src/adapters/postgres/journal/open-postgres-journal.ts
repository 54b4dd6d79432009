import type { SharedJournal } from '../../../journal/shared-journal.ts';
import { NotDurableError } from '../postgres-saga-first-store.ts';
import { checkSchema, migratePostgres } from '../schema/migrate.ts';
import { journalParts } from './journal-parts.ts';
import { PostgresJournal } from './postgres-journal.ts';
import { type PostgresJournalOptions, resolvePostgresOptions } from './postgres-journal-options.ts';
import { StatementLine } from './statement-line.ts';

/**
 * Opens a journal in a PostgreSQL database, which any number of nodes may share: each owns a part of the sagas for as long
 * as it says that it lives, and what a node writes that has lost them is refused by the database.
 *
 * @param options.pool a `pg` pool with room for 8 connections; the journal does not end it. A pooler in transaction mode
 *   may stand between: nothing here depends on a session.
 * @returns a journal whose `append` resolves only after the records are committed.
 * @throws {NotDurableError} when the server acknowledges before it is durable (`synchronous_commit = off`).
 * @throws {SchemaMismatchError} when the schema is not one that this version works with.
 * @throws {RangeError | TypeError} when an option is out of its bounds.
 * @example
 * ```ts no-run
 * await using journal = await openPostgresJournal({ pool: new Pool({ connectionString, max: 8 }) });
 * await using tempo = await openTempo({ journal, sagas: [placeOrder] });
 * ```
 */
export async function openPostgresJournal(options: PostgresJournalOptions): Promise<SharedJournal> {
  const resolved = resolvePostgresOptions(options);
  const { pool, clock, answerWithinMs: timeoutMs } = resolved;
  await refuseForgetful(new StatementLine(pool, clock, { connections: 1, timeoutMs }));
  if (resolved.migrate) await migratePostgres(resolved);
  else await checkSchema(pool, resolved.schema);
  return new PostgresJournal(await journalParts(resolved));
}

async function refuseForgetful(line: StatementLine): Promise<void> {
  const [row] = await line.run<{ readonly synchronous_commit: string }>('SHOW synchronous_commit');
  if (row?.synchronous_commit === 'off') throw new NotDurableError('synchronous_commit', 'off');
}
