/** The PostgreSQL store of saga-first steps, on a real server. */
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { openPostgresSagaFirstStore } from '../../../src/adapters/postgres/index.ts';
import type { SagaFirstStore } from '../../../src/saga-first/index.ts';
import { sagaFirstStoreContract } from '../../../src/testing/index.ts';

let postgres: Service;
let pool: Pool;
let tables = 0;
const tableOf = new WeakMap<SagaFirstStore, string>();

beforeAll(async () => {
  postgres = await startPostgres();
  pool = new Pool({ connectionString: postgres.url, query_timeout: 10_000 });
  pool.on('error', () => undefined);
});

afterAll(async () => {
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

async function open(table = `steps_${++tables}`): Promise<SagaFirstStore> {
  const store = await openPostgresSagaFirstStore({ pool, table });
  tableOf.set(store, table);
  return store;
}

const again = (store: SagaFirstStore): Promise<SagaFirstStore> => open(tableOf.get(store));
const refund = { name: 'refund', args: null, operationKey: 'k', settleAfterMs: 0, version: '1' };

describe('keeps the contract', () => {
  const harness = { open: () => open(), reopen: again, openBeside: again };
  for (const { name, run } of sagaFirstStoreContract) test(name, () => run(harness));
});

test('many openers meet on an empty database, and all find the same tables', async () => {
  const stores = await Promise.all(Array.from({ length: 8 }, () => open('met')));
  const won = await Promise.all(stores.map(async (store) => (await store.register('a', refund)).won));
  expect(won.filter(Boolean)).toHaveLength(1);
});

test('closed steps are forgotten after the retention, with their records; open and armed ones are not', async () => {
  const store = await openPostgresSagaFirstStore({ pool, table: 'retained', retention: 0 });
  for (const id of ['closed', 'armed', 'open']) await store.register(id, refund);
  for (const id of ['closed', 'armed']) await store.append(id, { type: 'confirmed', result: 1 }, 1);
  await store.append('closed', { type: 'released' }, 2);
  // Whoever looks for open steps tidies up.
  expect((await store.list({ statuses: ['registered'] })).items.map(({ id }) => id)).toEqual(['open']);
  expect(await store.read('closed')).toBeUndefined();
  expect((await store.read('armed'))?.state.status).toBe('confirmed');
  const { rows } = await pool.query('SELECT DISTINCT id FROM retained_records ORDER BY id');
  expect(rows.map(({ id }) => String(id))).toEqual(['armed', 'open']);
});

test('a record stands beside its state, for each and no other number', async () => {
  const store = await open('recorded');
  await store.register('a', refund);
  await Promise.all(
    Array.from({ length: 10 }, () => store.append('a', { type: 'attempted', phase: 'operation', attempt: 2 }, 1)),
  );
  await store.append('a', { type: 'confirmed', result: 'nul \u0000 kept' }, 2);
  const { rows } = await pool.query('SELECT seq, record FROM recorded_records ORDER BY seq');
  expect(rows.map(({ seq }) => Number(seq))).toEqual([1, 2, 3]);
  expect((await store.read('a'))?.state.result).toBe('nul \u0000 kept');
});

test('what was told is there after the server was killed', async () => {
  const store = await open('killed');
  await store.register('a', refund);
  await store.append('a', { type: 'confirmed', result: 1 }, 1);
  postgres.signal('SIGQUIT');
  // It answers what it has read before it has seen the signal.
  await vi.waitFor(() => expect(store.read('a')).rejects.toThrow());
  await postgres.restart();
  expect((await store.read('a'))?.state.status).toBe('confirmed');
});

test('a server that acknowledges before it is durable is refused', async () => {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('SET synchronous_commit = off');
  await expect(openPostgresSagaFirstStore({ pool: client })).rejects.toMatchObject({ code: 'MAKEGOOD_NOT_DURABLE' });
  await client.end();
  await expect(openPostgresSagaFirstStore({ pool, table: 'a"; DROP' })).rejects.toThrow(TypeError);
});
