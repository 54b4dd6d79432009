/** The PostgreSQL journal, on a real server: the contract that every journal keeps. */
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { openPostgresJournal } from '../../../src/adapters/postgres/index.ts';
import type { Journal } from '../../../src/journal/index.ts';
import type { SagaRecord } from '../../../src/saga/index.ts';
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

async function open(appendConnections: number, schema = `journal_${++schemas}`) {
  const journal = await openPostgresJournal({ pool, schema, shards: 4, appendConnections });
  schemaOf.set(journal, schema);
  return journal;
}

describe.each([1, 2, 4])('with appends over %i connections it keeps the contract', (connections) => {
  async function reopen(journal: Journal): Promise<Journal> {
    await journal.close();
    return await open(connections, schemaOf.get(journal));
  }
  for (const { name, run } of journalContract) test(name, () => run({ open: () => open(connections), reopen }));
});

function start(): SagaRecord {
  const header = { seq: 1, epoch: 1, timestamp: 1, type: 'saga-started', name: 'n', version: '1' } as const;
  return { ...header, definition: 'd', steps: [], input: null };
}

test('a shard whose appends wait holds back no shard of another connection', async () => {
  await using journal = await open(2);
  const { epoch } = journal;
  const idOf = (shard: number): string =>
    Array.from({ length: 1000 }, (_, n) => `saga-${n}`).find((id) => journal.shardOf(id) === shard) ?? '';
  // The journal takes its shards with its first append.
  await journal.append(idOf(2), [start()], { expectedSeq: 0, epoch });
  const client = await pool.connect();
  await client.query(`BEGIN; SELECT FROM ${schemaOf.get(journal)}.shard WHERE id = 0 FOR UPDATE`);
  const settled: number[] = [];
  const append = async (shard: number): Promise<void> => {
    await journal.append(idOf(shard), [start()], { expectedSeq: 0, epoch });
    settled.push(shard);
  };
  const waits = append(0);
  await append(1);
  await append(3);
  expect(settled).toEqual([1, 3]);
  await client.query('ROLLBACK');
  client.release();
  await waits;
  expect(settled).toEqual([1, 3, 0]);
});
