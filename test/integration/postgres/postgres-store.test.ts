import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { postgresStore, postgresStoreSchema } from '../../../src/adapters/postgres/index.ts';
import { idempotency } from '../../../src/idempotency/index.ts';
import { idempotencyStoreContract } from '../../../src/testing/index.ts';

let server: Service;
let pool: Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url, max: 10 });
  // A connection that its server lets go of tells the pool; the tests look at what the queries do.
  pool.on('error', () => undefined);
}, 60_000);
afterAll(async () => {
  await pool.end();
  await server[Symbol.asyncDispose]();
});

let stores = 0;

async function open() {
  const table = `store_${stores++}`;
  await pool.query(postgresStoreSchema(table));
  return postgresStore({ pool, table });
}

describe('keeps the contract of an idempotency store', () => {
  for (const { name, run } of idempotencyStoreContract) {
    test(name, () => run({ open, pass: (ms) => sleep(ms) }));
  }
});

const request = { fingerprint: '', leaseMs: 60_000, ttlMs: 60_000 };

test('two processes that ask for the same 200 keys run each once, and both get every result', async () => {
  const store = await open();
  const [here, there] = [idempotency({ store }), idempotency({ store, pollInterval: 20 })];
  let runs = 0;
  const ask = (keys: typeof here) =>
    Promise.all(Array.from({ length: 200 }, (_, key) => keys.once(`order-${key}`, async () => ({ key, run: ++runs }))));
  const [first, second] = await Promise.all([ask(here), ask(there)]);
  expect(runs).toBe(200);
  expect(second).toEqual(first);
});

test('kill -9 of the server in the middle of claims: no key is given twice, and no result that was kept is lost', async () => {
  const store = await open();
  const given = new Map<string, number>();
  const kept = new Map<string, string>();
  let twice = 0;
  const claimAndComplete = async (key: string): Promise<void> => {
    const claim = await store.claim(key, request);
    if (claim.kind !== 'claimed') return;
    if (given.has(key)) twice++;
    given.set(key, claim.token);
    const result = `{"value":"${key} by ${claim.token}"}`;
    if (await store.complete(key, claim.token, result, 60_000)) kept.set(key, result);
  };
  for (let crash = 0; crash < 3; crash++) {
    const calls = Array.from({ length: 300 }, (_, key) => claimAndComplete(`k-${crash}-${key % 150}`));
    await sleep(20 + 20 * crash);
    server.signal('SIGKILL');
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.length).toBe(300);
    await server.restart();
  }
  expect(twice).toBe(0);
  for (const [key, result] of kept) expect(await store.claim(key, request)).toEqual({ kind: 'done', result });
  // A claim whose answer was lost on the way stays somebody's until its lease is over; it is not given to another.
  for (const key of given.keys()) expect((await store.claim(key, request)).kind).not.toBe('claimed');
}, 60_000);

test('purge deletes expired keys and no others', async () => {
  const store = await open();
  for (let key = 0; key < 5; key++) await store.mark(`old-${key}`, 1);
  await store.mark('new', 60_000);
  await sleep(20);
  expect([await store.purge(3), await store.purge(), await store.purge()]).toEqual([3, 2, 0]);
  expect(await store.mark('new', 60_000)).toBe(false);
});

test('a table name that would not be harmless in a statement is refused', () => {
  for (const table of ['a"; DROP TABLE x', 'A', 'a.b.c', '', 'a b']) {
    expect(() => postgresStore({ pool, table })).toThrow(TypeError);
    expect(() => postgresStoreSchema(table)).toThrow(TypeError);
  }
});
