import { DatabaseSync } from 'node:sqlite';
import { createClient } from '@redis/client';
import { Pool, type PoolClient } from 'pg';
import { expect, test } from 'vitest';
import { hasServer, startPostgres, startRedis } from '../../../scripts/services.ts';
import { postgresBarrier, postgresBarrierSchema } from '../../../src/adapters/postgres/index.ts';
import { redisBarrier } from '../../../src/adapters/redis/index.ts';
import { sqliteBarrier } from '../../../src/adapters/sqlite/index.ts';
import { type ConformanceReport, runConformance } from '../../../src/conformance/index.ts';
import { participant } from '../../../src/participant/index.ts';
import {
  acceptedInput,
  effectsOf,
  movementsKey,
  postgresStock,
  redisStock,
  refusedInput,
  sqliteStock,
  stockSchema,
} from './stock.ts';

const select = 'SELECT kind FROM movements WHERE saga = $1 AND step = $2';

/** Runs the kit against a handler in this process; all but the checks that need a process to kill. */
async function judge(
  handle: (request: Request) => Promise<Response>,
  movementsOf: (saga: string, step: string) => Promise<readonly { readonly kind: string }[]>,
): Promise<ConformanceReport> {
  return await runConformance({
    url: 'http://inventory/reserve',
    effectsUrl: 'http://inventory/effects',
    input: acceptedInput,
    refusedInput,
    async fetch(url, init) {
      const { pathname, searchParams } = new URL(new Request(url).url);
      if (pathname !== '/effects') return await handle(new Request(url, init));
      const [saga, step] = [searchParams.get('saga') ?? '', searchParams.get('step') ?? ''];
      return Response.json(effectsOf(await movementsOf(saga, step)));
    },
  });
}

const onlyRestartSkipped = ({ results }: ConformanceReport): string[] =>
  results.filter(({ status, group }) => status !== 'passed' && group !== 'restart').map(({ reason }) => String(reason));

test('participant() on PostgreSQL keeps the protocol', async () => {
  await using server = await startPostgres();
  const pool = new Pool({ connectionString: server.url, max: 8 });
  try {
    await pool.query(postgresBarrierSchema());
    await pool.query(stockSchema);
    const barrier = postgresBarrier<PoolClient>({ pool });
    const handle = participant({ barrier, actions: { reserve: postgresStock } });
    const report = await judge(handle, async (saga, step) => {
      return (await pool.query<{ kind: string }>(select, [saga, step])).rows;
    });
    expect(onlyRestartSkipped(report)).toEqual([]);
    expect(report.verdict).toBe('conforms');
  } finally {
    await pool.end();
  }
}, 60_000);

test('participant() on SQLite keeps the protocol', async () => {
  using database = new DatabaseSync(':memory:');
  database.exec(stockSchema);
  const handle = participant({ barrier: sqliteBarrier({ database }), actions: { reserve: sqliteStock } });
  const report = await judge(handle, async (saga, step) => {
    return database.prepare('SELECT kind FROM movements WHERE saga = ? AND step = ?').all(saga, step) as {
      kind: string;
    }[];
  });
  expect(onlyRestartSkipped(report)).toEqual([]);
  expect(report.verdict).toBe('conforms');
});

test.runIf(hasServer('redis'))(
  'participant() on Redis keeps the protocol',
  async () => {
    await using server = await startRedis();
    const client = createClient({ url: server.url });
    await client.connect();
    try {
      await client.sendCommand(['CONFIG', 'SET', 'appendfsync', 'always']);
      const handle = participant({ barrier: redisBarrier({ client }), actions: { reserve: redisStock } });
      const report = await judge(handle, async (saga, step) => {
        const kinds = await client.lRange(movementsKey(saga, step), 0, -1);
        return kinds.map((kind) => ({ kind }));
      });
      expect(onlyRestartSkipped(report)).toEqual([]);
      expect(report.verdict).toBe('conforms');
    } finally {
      client.destroy();
    }
  },
  60_000,
);
