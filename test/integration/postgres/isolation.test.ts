import { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import {
  commutativeUpdate,
  releaseSemanticLock,
  rereadValue,
  semanticLock,
  versionedUpdate,
  versionFile,
  versionFileSchema,
} from '../../../src/isolation/index.ts';

let server: Service;
let pool: Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url, max: 10 });
  await pool.query(
    'CREATE TABLE item (id text PRIMARY KEY, amount int NOT NULL, version bigint NOT NULL, pending_saga text)',
  );
  await pool.query(versionFileSchema());
}, 60_000);
afterAll(async () => {
  await pool.end();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await pool.query('TRUNCATE item, makegood_version_file');
  await pool.query("INSERT INTO item VALUES ('a', 10, 1, NULL)");
});

async function item(): Promise<{ amount: number; version: number }> {
  const { rows } = await pool.query<{ amount: number; version: string }>('SELECT * FROM item');
  return { amount: rows[0]?.amount ?? Number.NaN, version: Number(rows[0]?.version) };
}

const place = { table: 'item', id: 'a' } as const;

test('lost update by a late retry: a plain write puts the old value back, versionedUpdate is refused as superseded', async () => {
  const late = 'UPDATE item SET amount = 11 WHERE id = $1';
  await pool.query('UPDATE item SET amount = 50, version = 2');
  await pool.query(late, ['a']);
  expect((await item()).amount).toBe(11);

  await pool.query('UPDATE item SET amount = 10, version = 1');
  expect(await versionedUpdate(pool, { ...place, version: 1, set: { amount: 50 } })).toBe(2);
  const retry = versionedUpdate(pool, { ...place, version: 1, set: { amount: 11 } });
  await expect(retry).rejects.toMatchObject({ definite: true, businessCode: 'superseded' });
  expect(await item()).toEqual({ amount: 50, version: 2 });
});

test('of 20 conditional writes made on the same version one is carried out', async () => {
  const writes = Array.from({ length: 20 }, (_, amount) =>
    versionedUpdate(pool, { ...place, version: 1, set: { amount } }),
  );
  const outcomes = await Promise.allSettled(writes);
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  expect((await item()).version).toBe(2);
});

test('lost update by writers at once: read and set loses all but one, commutativeUpdate adds up, and undo takes its own', async () => {
  // Both have read before either writes, as two sagas may.
  const [first, second] = [await item(), await item()];
  await pool.query('UPDATE item SET amount = $1', [first.amount - 1]);
  await pool.query('UPDATE item SET amount = $1', [second.amount - 1]);
  expect((await item()).amount).toBe(9);

  await pool.query('UPDATE item SET amount = 10');
  await Promise.all(Array.from({ length: 8 }, () => commutativeUpdate(pool, { ...place, add: { amount: -1 } })));
  await commutativeUpdate(pool, { ...place, add: { amount: 1 } });
  expect((await item()).amount).toBe(3);
});

test('overdraft by writers at once: the least value holds in the same statement, whoever comes first', async () => {
  const take = () => commutativeUpdate(pool, { ...place, add: { amount: -3 }, least: { amount: 0 } });
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, take));
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(3);
  expect((await item()).amount).toBe(1);
  await expect(take()).rejects.toMatchObject({ businessCode: 'insufficient' });
  await expect(commutativeUpdate(pool, { ...place, id: 'b', add: { amount: 1 } })).rejects.toMatchObject({
    businessCode: 'not-found',
  });
});

test('dirty read: without a mark another saga builds on what is undone later; with semanticLock it is told to come back', async () => {
  await pool.query('UPDATE item SET amount = 100');
  const built = (await item()).amount;
  await pool.query('UPDATE item SET amount = 10');
  expect(built).not.toBe((await item()).amount);

  const mine = { ...place, saga: 'saga-1' };
  await semanticLock(pool, mine);
  await semanticLock(pool, mine);
  const other = semanticLock(pool, { ...place, saga: 'saga-2' });
  await expect(other).rejects.toMatchObject({ code: 'MAKEGOOD_ROW_PENDING', holder: 'saga-1' });
  await releaseSemanticLock(pool, { ...place, saga: 'saga-2' });
  await expect(semanticLock(pool, { ...place, saga: 'saga-2' })).rejects.toMatchObject({ holder: 'saga-1' });
  await releaseSemanticLock(pool, mine);
  await semanticLock(pool, { ...place, saga: 'saga-2' });
});

test('non-repeatable read: a decision on an old value sells what is gone; rereadValue decides anew until it holds', async () => {
  await pool.query('UPDATE item SET amount = 1');
  const seen = (await item()).amount;
  await pool.query('UPDATE item SET amount = 0');
  if (seen > 0) await pool.query('UPDATE item SET amount = amount - 1');
  expect((await item()).amount).toBe(-1);

  await pool.query('UPDATE item SET amount = 5, version = 1');
  const sell = () =>
    rereadValue(pool, {
      ...place,
      read: item,
      decide: ({ amount }) => (amount > 0 ? { amount: amount - 1 } : undefined),
      maxAttempts: 20,
    });
  const sold = await Promise.all(Array.from({ length: 9 }, sell));
  expect(sold.filter((version) => version !== undefined).length).toBe(5);
  expect((await item()).amount).toBe(0);
});

function apply(state: string, operation: string): string {
  if (operation === 'create') return 'created';
  return state === 'created' ? 'cancelled' : state;
}

test('reordering: applied as it comes, a cancel before its create is lost; versionFile applies it after', async () => {
  const arrived = [
    { sequence: 2, operation: 'cancel', body: { reason: 'late' } },
    { sequence: 1, operation: 'create', body: { total: 5 } },
  ];
  expect(arrived.reduce((state, { operation }) => apply(state, operation), 'none')).toBe('created');

  let state = 'none';
  for (const filed of [...arrived, ...arrived]) {
    const due = await versionFile(pool, { entity: 'order-1', ...filed });
    for (const { operation } of due) state = apply(state, operation);
  }
  expect(state).toBe('cancelled');
});

test('20 operations filed at once, in any order: each is applied once, in its order', async () => {
  const applied: number[] = [];
  const file = async (sequence: number): Promise<void> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const due = await versionFile(client, { entity: 'order-2', sequence, operation: 'set', body: sequence });
      applied.push(...due.map(({ body }) => body as number));
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  };
  await Promise.all([7, 3, 1, 9, 2, 5, 8, 4, 6, 10, 3, 1].map(file));
  expect(applied).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('names that would not be harmless in a statement are refused', async () => {
  for (const table of ['item; DROP TABLE item', 'Item', '"item"', '']) {
    await expect(versionedUpdate(pool, { table, id: 'a', version: 1, set: { amount: 1 } })).rejects.toThrow(TypeError);
  }
  await expect(versionedUpdate(pool, { ...place, version: 1, set: { 'amount = 0, version': 1 } })).rejects.toThrow(
    TypeError,
  );
});
