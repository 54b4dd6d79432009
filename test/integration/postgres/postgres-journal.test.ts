/** The PostgreSQL journal, on a real server: the contract that every journal keeps. */
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { openPostgresJournal } from '../../../src/adapters/postgres/index.ts';
import type { Journal } from '../../../src/journal/index.ts';
import { journalContract } from '../../../src/testing/index.ts';

let postgres: Service;
let pool: Pool;
let schemas = 0;
const schemaOf = new WeakMap<Journal, string>();

beforeAll(async () => {
  postgres = await startPostgres();
  pool = new Pool({ connectionString: postgres.url, max: 8 });
  pool.on('error', () => undefined);
}, 60_000);

afterAll(async () => {
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

async function open(schema = `journal_${++schemas}`): Promise<Journal> {
  const journal = await openPostgresJournal({ pool, schema, shards: 4 });
  schemaOf.set(journal, schema);
  return journal;
}

async function reopen(journal: Journal): Promise<Journal> {
  await journal.close();
  return await open(schemaOf.get(journal));
}

describe('keeps the contract', () => {
  for (const { name, run } of journalContract) test(name, () => run({ open: () => open(), reopen }));
});
