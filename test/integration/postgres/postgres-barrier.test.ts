import { array, assert, asyncProperty } from 'fast-check';
import { Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import {
  postgresBarrier,
  postgresBarrierRows,
  postgresBarrierSchema,
  purgePostgresBarrier,
} from '../../../src/adapters/postgres/index.ts';
import { barrier, type BarrierCall } from '../../../src/participant/index.ts';
import { arrive, arrivingCall, BarrierModel } from '../barrier-model.ts';

let server: Service;
let pool: Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url, max: 10 });
  pool.on('error', () => undefined);
  await pool.query(postgresBarrierSchema());
  await pool.query('CREATE TABLE effects (saga text, step text, amount int, PRIMARY KEY (saga, step))');
}, 60_000);
afterAll(async () => {
  await pool.end();
  await server[Symbol.asyncDispose]();
});

function rows() {
  return postgresBarrier<PoolClient>({ pool });
}

async function effect(tx: PoolClient, saga: string, step: string, amount: number): Promise<void> {
  const text = `INSERT INTO effects VALUES ($1, $2, $3)
    ON CONFLICT (saga, step) DO UPDATE SET amount = effects.amount + excluded.amount`;
  await tx.query(text, [saga, step, amount]);
}

async function effectsOf(saga: string): Promise<Record<string, number>> {
  const { rows: found } = await pool.query<{ step: string; amount: number }>(
    'SELECT step, amount FROM effects WHERE saga = $1',
    [saga],
  );
  return Object.fromEntries(found.map(({ step, amount }) => [step, amount]));
}

let sagas = 0;
const newSaga = (): string => `saga-${sagas++}`;

test('whatever arrives in whatever order, with duplicates and crashes: the rules of the barrier, and one effect', async () => {
  await assert(
    asyncProperty(array(arrivingCall, { maxLength: 12 }), async (calls) => {
      const saga = newSaga();
      const model = new BarrierModel();
      for (const call of calls) {
        const expected = model.expected(call);
        expect(await arrive(rows(), saga, call, (tx, step, amount) => effect(tx, saga, step, amount))).toBe(expected);
      }
      expect(await effectsOf(saga)).toEqual(model.effects());
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('calls of one step all at once: the effect is applied once at most, undone at most once, never undone alone', async () => {
  for (let round = 0; round < 15; round++) {
    const saga = newSaga();
    const phases = ['action', 'action', 'compensation', 'compensation', 'action', 'status'] as const;
    const answers = await Promise.all(
      phases.map((phase) =>
        arrive(rows(), saga, { step: 'a', phase, epoch: 1, fate: 'ok' }, (tx, step, amount) =>
          effect(tx, saga, step, amount),
        ),
      ),
    );
    const { a = 0 } = await effectsOf(saga);
    expect(a).toBe(0);
    // No answer is an error: those that wait for the row are not ended by it (25P02).
    const known = ['applied', 'aborted', 'undone', 'nothing to undo', 'effect applied', 'effect none'];
    for (const answer of answers) expect(known).toContain(answer);
    expect(answers.includes('applied')).toBe(!answers.includes('nothing to undo'));
  }
});

test('a duplicate that comes while the first is at work waits for it and is given its reply', async () => {
  const call: BarrierCall = { saga: newSaga(), step: 'a', phase: 'action', epoch: 1 };
  const { promise: gate, resolve: finish } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const first = rows().transaction((_, store) =>
    barrier(store, call, async () => {
      begin();
      await gate;
      return { by: 'first' };
    }),
  );
  await begun;
  const second = rows().transaction((_, store) => barrier(store, call, () => ({ by: 'second' })));
  finish();
  expect(await first).toEqual({ status: 200, body: '{"by":"first"}' });
  expect(await second).toEqual(await first);
});

test('a duplicate that waits longer than the lock time-out is told that it is in progress', async () => {
  const call: BarrierCall = { saga: newSaga(), step: 'a', phase: 'action', epoch: 1 };
  const { promise: gate, resolve: finish } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const first = rows().transaction((_, store) => barrier(store, call, () => (begin(), gate)));
  await begun;
  const hasty = postgresBarrier({ pool, lockTimeout: '50ms' });
  const second = hasty.transaction((_, store) => barrier(store, call, () => 1));
  await expect(second).rejects.toMatchObject({ code: 'MAKEGOOD_IN_PROGRESS' });
  finish();
  expect(await first).toEqual({ status: 204, body: '' });
});

test('when the first is rolled back, the duplicate that waited runs: row and effect are gone together', async () => {
  const saga = newSaga();
  const call: BarrierCall = { saga, step: 'a', phase: 'action', epoch: 1 };
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: gate, reject: crash } = Promise.withResolvers<void>();
  const first = rows().transaction((tx, store) =>
    barrier(store, call, async () => {
      await effect(tx, saga, 'a', 1);
      begin();
      await gate;
    }),
  );
  await begun;
  const second = rows().transaction((tx, store) =>
    barrier(store, call, async () => {
      await effect(tx, saga, 'a', 1);
      return 'second';
    }),
  );
  crash(new Error('crash'));
  await expect(first).rejects.toThrow('crash');
  expect(await second).toEqual({ status: 200, body: '"second"' });
  expect(await effectsOf(saga)).toEqual({ a: 1 });
});

test('business code that swallows a failed statement commits nothing, and is told so', async () => {
  const saga = newSaga();
  const call: BarrierCall = { saga, step: 'a', phase: 'action', epoch: 1 };
  const careless = rows().transaction(async (tx, store) => {
    const reply = await barrier(store, call, () => effect(tx, saga, 'a', 1));
    await tx.query('SELECT 1 / 0').catch(() => undefined);
    return reply;
  });
  await expect(careless).rejects.toThrow('a statement of the transaction had failed, so all of it was rolled back');
  expect(await effectsOf(saga)).toEqual({});
});

test('in a transaction of your own, and rows are purged only when no call can come any more', async () => {
  const client = await pool.connect();
  const call: BarrierCall = { saga: newSaga(), step: 'a', phase: 'action', epoch: 1 };
  try {
    await client.query('BEGIN');
    expect(await barrier(postgresBarrierRows(client), call, () => 1)).toEqual({ status: 200, body: '1' });
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  expect(await purgePostgresBarrier(pool, { retention: '30d' })).toBe(0);
  await pool.query("UPDATE makegood_barrier SET called_at = clock_timestamp() - interval '30 days'");
  expect(await purgePostgresBarrier(pool, { retention: '30d' })).toBe(0);
  await pool.query("UPDATE makegood_barrier SET called_at = called_at - interval '31 seconds'");
  expect(await purgePostgresBarrier(pool, { retention: '30d' })).toBeGreaterThan(0);
});

test('the server is killed while business runs: nothing of it stands, and the same call applies it once afterwards', async () => {
  const saga = newSaga();
  const call: BarrierCall = { saga, step: 'a', phase: 'action', epoch: 1 };
  const once = () =>
    rows().transaction((tx, store) =>
      barrier(store, call, async () => {
        await effect(tx, saga, 'a', 1);
        return 'done';
      }),
    );
  const killed = rows().transaction((tx, store) =>
    barrier(store, call, async () => {
      await effect(tx, saga, 'a', 1);
      server.signal('SIGKILL');
      // The process of this connection outlives the server's own until it looks up from its work.
      await tx.query('SELECT pg_sleep(30)');
    }),
  );
  await expect(killed).rejects.toThrow();
  await server.restart();
  await pool.end();
  // oxlint-disable-next-line require-atomic-updates -- tests of a file run one after the other
  pool = new Pool({ connectionString: server.url, max: 10 });
  expect(await once()).toEqual({ status: 200, body: '"done"' });
  expect(await once()).toEqual({ status: 200, body: '"done"' });
  expect(await effectsOf(saga)).toEqual({ a: 1 });
}, 60_000);
