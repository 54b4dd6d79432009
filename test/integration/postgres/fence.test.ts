/**
 * The fence of the append, on a real server: writers that do not know yet that they were replaced, against a taker that
 * gives the shard a new epoch. A row of an epoch that becomes visible after the taking of that epoch is one that leaked.
 * The three fences that look as good are shown to leak, so that the test is known to see it.
 */
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { appendText, appendValues } from '../../../src/adapters/postgres/journal/append-statement.ts';
import { type Hold, PendingWrite } from '../../../src/adapters/postgres/journal/pending-write.ts';
import { factsOf } from '../../../src/adapters/postgres/journal/write-facts.ts';
import { migratePostgres } from '../../../src/adapters/postgres/index.ts';

let postgres: Service;
let pool: Pool;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = new Pool({ connectionString: postgres.url, max: 8 });
}, 60_000);
afterAll(async () => {
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

const writers = 3;
const sagasABatch = 20;

/** Puts another fence in the place of ours. */
async function replaceFence(schema: string, fence: string): Promise<void> {
  const { rows } = await pool.query(`SELECT pg_get_functiondef('${schema}.append_1'::regproc) AS text`);
  const { text } = rows[0] as { text: string };
  const ours = 'WHERE s.owner = me FOR SHARE OF s';
  expect(text).toContain(ours);
  await pool.query(text.replace(ours, fence));
}

function batch(node: number, epoch: number, name: string): unknown[] {
  const hold: Hold = { shard: 0, epoch, lost: undefined };
  const writes = Array.from({ length: sagasABatch }, (_, place) => {
    const sagaId = `${name}-${place}`;
    const header = {
      seq: 1,
      epoch,
      timestamp: 1,
      type: 'saga-started',
      name: 'n',
      version: '1',
      definition: 'd',
    } as const;
    const append = { shard: 0, sagaId, records: [{ ...header, steps: [], input: null }], expectedSeq: 0 };
    return new PendingWrite(factsOf(append, 'running', undefined), hold, '1');
  });
  return appendValues(node, writes);
}

interface Seen {
  readonly takeOvers: number;
  readonly batches: number;
  /** Epochs of which rows came after they were over. */
  readonly leaked: number;
}

/** Lets writers and a taker loose on one shard. A writer hears of a taking a while after it. */
async function contend(schema: string, takeOvers: number, beforeTaking = ''): Promise<Seen> {
  let believed = { node: 1, epoch: 0 };
  let batches = 0;
  const end = new AbortController();
  const write = async (writer: number): Promise<void> => {
    for (let count = 0; !end.signal.aborted; count++) {
      const { node, epoch } = believed;
      await pool.query(appendText(schema), batch(node, epoch, `${writer}-${count}`));
      batches++;
    }
  };
  const countOf = async (epoch: number): Promise<number> => {
    const { rows } = await pool.query(`SELECT count(*)::integer AS count FROM ${schema}.saga WHERE epoch = $1`, [
      epoch,
    ]);
    return (rows[0] as { count: number }).count;
  };
  const counted = new Map<number, number>();
  const take = async (): Promise<void> => {
    for (let round = 1; round <= takeOvers; round++) {
      const node = 1 + (round % 2);
      const { rows } = (await pool.query(
        `WITH lock AS MATERIALIZED (SELECT 1 ${beforeTaking})
         UPDATE ${schema}.shard SET owner = ${node}, epoch = nextval('${schema}.epoch')
         FROM lock WHERE id = 0 RETURNING epoch::integer`,
      )) as { rows: { epoch: number }[] };
      // Whoever takes the shard reads it now: what comes under the old epoch after this is never read by its owner.
      if (believed.epoch > 0) counted.set(believed.epoch, await countOf(believed.epoch));
      await new Promise((resolve) => setTimeout(resolve, 4));
      believed = { node, epoch: rows[0]?.epoch ?? 0 };
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    end.abort();
  };
  await Promise.all([take(), ...Array.from({ length: writers }, (_, writer) => write(writer))]);
  let leaked = 0;
  for (const [epoch, count] of counted) if ((await countOf(epoch)) > count) leaked++;
  return { takeOvers: counted.size, batches, leaked };
}

test('FOR SHARE of the shard lets nothing through after its epoch is over', async () => {
  await migratePostgres({ pool, schema: 'fence_share', shards: 1 });
  const seen = await contend('fence_share', 80);
  expect(seen).toMatchObject({ takeOvers: 79, leaked: 0 });
  expect(seen.batches).toBeGreaterThan(80);
});

test.each([
  ['FOR KEY SHARE', 'WHERE s.owner = me FOR KEY SHARE OF s', ''],
  ['a bare comparison', 'WHERE s.owner = me', ''],
  [
    'an advisory lock in the same statement',
    'WHERE s.owner = me AND pg_advisory_xact_lock_shared(s.id) IS NOT NULL',
    'FROM pg_advisory_xact_lock(0)',
  ],
])('%s instead would leak', async (name, fence, beforeTaking) => {
  const schema = `fence_${name.replaceAll(/[^a-z]/gi, '_').toLowerCase()}`.slice(0, 40);
  await migratePostgres({ pool, schema, shards: 1 });
  await replaceFence(schema, fence);
  expect((await contend(schema, 80, beforeTaking)).leaked).toBeGreaterThan(0);
});
