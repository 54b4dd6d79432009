import { journalParts } from '../../src/adapters/postgres/journal/journal-parts.ts';
import { resolvePostgresOptions } from '../../src/adapters/postgres/journal/postgres-journal-options.ts';
import { PostgresJournal } from '../../src/adapters/postgres/journal/postgres-journal.ts';
import type { SharedJournal } from '../../src/journal/shared-journal.ts';
import type { NodeJournalOptions } from '../../src/testing/simulation/cluster-world.ts';

/** The real PostgreSQL journal over connections to a modelled server, which has the schema. */
export async function openModelledJournal(options: NodeJournalOptions): Promise<SharedJournal> {
  const { pool, clock, random, name, leaseMs, pollMs, ...bounds } = options;
  const node = name === undefined ? {} : { node: name };
  const resolved = resolvePostgresOptions({
    ...bounds,
    ...node,
    pool,
    clock,
    random,
    lease: leaseMs,
    pollEvery: pollMs,
    schema: 'modelled',
  });
  return new PostgresJournal(await journalParts(resolved));
}
