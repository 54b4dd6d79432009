/** A real pgbouncer in transaction mode, and a real standby that is promoted. */
import { Pool } from 'pg';
import { expect, test } from 'vitest';
import { hasServer, startPgbouncer, startPostgres, startStandby } from '../../../scripts/services.ts';
import type { PostgresPool } from '../../../src/adapters/postgres/index.ts';
import { approvalSaga, Ledger, openNode, until } from './cluster-world.ts';

const ids = Array.from({ length: 16 }, (_, place) => `order-${place}`);
const input = { amount: 5 };

test.skipIf(!hasServer('pgbouncer'))(
  'two nodes behind pgbouncer in transaction mode share sagas, and neither needs a session of its own',
  async () => {
    await using postgres = await startPostgres();
    await using pgbouncer = await startPgbouncer(postgres);
    const ledger = new Ledger();
    const approval = approvalSaga(ledger);
    await using first = await openNode(pgbouncer.url, 'pooled', { sagas: [approval] });
    await using second = await openNode(pgbouncer.url, 'pooled', { sagas: [approval] });
    await until('a fair share each', () => first.shards.size === 4 && second.shards.size === 4);
    const runs = await Promise.all(ids.map((id) => first.tempo.start(approval, { id, input })));
    await until('all wait', async () => (await second.tempo.list({ status: 'waiting' })).items.length === 16);
    await Promise.all(ids.map((id) => second.tempo.signal(id, 'approved')));
    await Promise.all(runs.map((run) => run.result()));
    expect(ledger.effects.toSorted()).toEqual(ids.flatMap((id) => [`${id} charge`, `${id} reserve`]).toSorted());
  },
  60_000,
);

test('a primary dies, its standby is asked before it is promoted and after: no acknowledged saga is lost, no effect doubled', async () => {
  await using primary = await startPostgres();
  await using standby = await startStandby(primary);
  const admin = new Pool({ connectionString: primary.url, max: 1 });
  admin.on('error', () => undefined);
  await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
  await admin.query('SELECT pg_reload_conf()');
  await until('the standby is in step', async () => {
    const { rows } = await admin.query('SELECT sync_state FROM pg_stat_replication');
    return (rows[0] as { sync_state: string } | undefined)?.sync_state === 'sync';
  });

  const standbyPool = new Pool({ connectionString: standby.url, max: 20, connectionTimeoutMillis: 1000 });
  standbyPool.on('error', () => undefined);
  // As an address that moves: whoever connects from now on reaches the other server.
  let moved = false;
  const through = (own: Pool): PostgresPool => {
    const target = (): Pool => (moved ? standbyPool : own);
    return { connect: () => target().connect(), query: (text, values) => target().query(text, values) };
  };
  const ledger = new Ledger();
  const approval = approvalSaga(ledger);
  const options = { sagas: [approval], through, answerWithin: '500ms' } as const;
  const first = await openNode(primary.url, 'moved', options);
  const second = await openNode(primary.url, 'moved', options);
  await until('a fair share each', () => first.shards.size === 4 && second.shards.size === 4);
  await Promise.all(ids.map((id) => first.tempo.start(approval, { id, input })));
  await until('all wait', async () => (await second.tempo.list({ status: 'waiting' })).items.length === 16);

  primary.signal('SIGKILL');
  await primary.ended();
  moved = true;
  await expect(standbyPool.query('UPDATE moved.shard SET epoch = epoch')).rejects.toMatchObject({ code: '25006' });
  await until('nobody drives anything', () => first.shards.size === 0 && second.shards.size === 0);
  await standbyPool.query('SELECT pg_promote()');
  await until('a fair share each again', () => first.shards.size === 4 && second.shards.size === 4);
  await Promise.all(ids.map((id) => second.tempo.signal(id, 'approved')));
  await until('all completed', async () => (await first.tempo.list({ status: 'completed' })).items.length === 16);
  expect(ledger.effects.toSorted()).toEqual(ids.flatMap((id) => [`${id} charge`, `${id} reserve`]).toSorted());
  const { rows } = await standbyPool.query('SELECT min(epoch)::float8 AS least FROM moved.shard');
  expect((rows[0] as { least: number }).least).toBeGreaterThan(1_000_000_000);
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  await standbyPool.end();
  await admin.end().catch(() => undefined);
}, 90_000);
