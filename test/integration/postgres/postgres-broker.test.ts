import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { postgresBroker, postgresBrokerSchema, purgePostgresBroker } from '../../../src/adapters/postgres/index.ts';
import { brokerContract } from '../../../src/testing/index.ts';

let server: Service;
let pool: Pool;
let topics = 0;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url, max: 20, query_timeout: 1500, connectionTimeoutMillis: 1500 });
  // A server that is killed tells each idle connection; the pool makes new ones.
  pool.on('error', () => undefined);
  await pool.query(postgresBrokerSchema());
}, 60_000);
afterAll(async () => {
  await pool.end();
  await server[Symbol.asyncDispose]();
});

const open = async () => postgresBroker({ pool, leaseTtl: '1s', pollEvery: '20ms' });

for (const { name, run } of brokerContract)
  test(name, { timeout: 120_000 }, async () => {
    await run({
      open,
      topic: () => `t${++topics}`,
      async restart() {
        server.signal('SIGQUIT');
        await server.restart();
      },
    });
  });

test('what is older than it is kept is purged', async () => {
  await using broker = await open();
  await broker.publish(['1', '2'].map((id) => ({ topic: 'old', key: 'k', id, value: '' })));
  expect(await purgePostgresBroker(pool, { retention: '1h' })).toBe(0);
  expect(await purgePostgresBroker(pool, { retention: 0, limit: 1 })).toBe(1);
});
