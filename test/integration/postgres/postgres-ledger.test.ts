import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { postgresLedger, postgresLedgerSchema, purgePostgresLedger } from '../../../src/adapters/postgres/index.ts';
import { ledgerContract } from '../../../src/testing/index.ts';

let server: Service;
let pool: Pool;
let ledgers = 0;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url, max: 20 });
}, 60_000);
afterAll(async () => {
  await pool.end();
  await server[Symbol.asyncDispose]();
});

async function freshLedger() {
  const prefix = `ledger_${++ledgers}`;
  await pool.query(postgresLedgerSchema(prefix));
  return { prefix, ...postgresLedger({ pool, prefix }) };
}

for (const { name, run } of ledgerContract) test(name, async () => run(await freshLedger()));

test('the business commits with the inbox, and is rolled back with it', async () => {
  const { inbox } = await freshLedger();
  await pool.query('CREATE TABLE business (id int PRIMARY KEY)');
  const lane = { consumer: 'stock', sagaId: 'order-7' };
  await inbox.transaction(
    lane,
    async ({ transaction }) => void (await transaction.query('INSERT INTO business VALUES (1)')),
  );
  const work = inbox.transaction(lane, async ({ transaction }) => {
    await transaction.query('INSERT INTO business VALUES (2)');
    throw new Error('no');
  });
  await expect(work).rejects.toThrow('no');
  const swallowed = inbox.transaction(lane, async ({ transaction }) => {
    await transaction.query('INSERT INTO business VALUES (1)').catch(() => undefined);
  });
  await expect(swallowed).rejects.toThrow('rolled back');
  expect((await pool.query('SELECT id FROM business')).rows).toEqual([{ id: 1 }]);
});

test('a connection that the server ends is not used again, and its transaction leaves nothing', async () => {
  const { inbox } = await freshLedger();
  const lane = { consumer: 'stock', sagaId: 'order-7' };
  const work = inbox.transaction(lane, async (session) => {
    await session.saveLane({ parked: 5 });
    await session.transaction.query('SELECT pg_terminate_backend(pg_backend_pid())');
  });
  await expect(work).rejects.toThrow(Error);
  expect(await inbox.transaction(lane, async (session) => session.lane.parked)).toBe(0);
});

test('what is long dealt with is purged, and what waits is not', async () => {
  const { inbox, prefix } = await freshLedger();
  await inbox.transaction({ consumer: 'stock', sagaId: 'order-7' }, async (session) => {
    const row = { deliveries: 1, crashes: 0, ordinal: 1, since: session.now - 10_000 };
    await session.saveDelivery({ source: 'shop', id: 'old' }, { ...row, state: 'done' });
    await session.saveDelivery({ source: 'shop', id: 'new' }, { ...row, state: 'done', since: session.now });
    await session.saveDelivery({ source: 'shop', id: 'dead' }, { ...row, state: 'dead' });
  });
  expect(await purgePostgresLedger(pool, { retention: '5s', prefix })).toBe(1);
  const { rows } = await pool.query(`SELECT id FROM ${prefix}_inbox_delivery ORDER BY id`);
  expect(rows).toEqual([{ id: 'dead' }, { id: 'new' }]);
});
