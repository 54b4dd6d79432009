// Errors of pg, from a real PostgreSQL 18; what a server cannot be made to say at will comes over the wire from a small one.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type ClientConfig, Pool } from 'pg';
import { bySqlState } from 'makegood/predicate';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { transientSqlStates } from '../../../src/predicate/transient-table.ts';
import { closedPort, failureOf, garbagePort, kindOf, kindOfError, silentPort, tcpServer } from './provoke.ts';

function client(port: number, config: ClientConfig = {}): Client {
  const made = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ...config });
  made.on('error', () => {});
  onTestFinished(() => made.end().catch(() => {}));
  return made;
}

async function connected(port: number, config: ClientConfig = {}): Promise<Client> {
  const made = client(port, config);
  await made.connect();
  return made;
}

/** A server that refuses every session with this SQLSTATE (PostgreSQL, "Message Formats", ErrorResponse). */
function refusing(state: string): Promise<number> {
  const fields = ['SFATAL', 'VFATAL', `C${state}`, 'Mas told', ''].map((field) => `${field}\0`).join('');
  const head = Buffer.from('E\0\0\0\0');
  head.writeUInt32BE(fields.length + 4, 1);
  return tcpServer((socket) => void socket.once('data', () => socket.end(Buffer.concat([head, Buffer.from(fields)]))));
}

test.each(transientSqlStates)('a server that says %s: transient', async (state) => {
  const error = await failureOf(client(await refusing(state)).connect());
  expect([bySqlState(state)(error), kindOfError(error)]).toEqual([true, 'transient']);
});

test.each(['08004', '08P01', '28000', '3D000', '53100', '57014', '57P04', 'XX000', 'XX001'])(
  'a server that says %s: not transient',
  async (state) => {
    const error = await failureOf(client(await refusing(state)).connect());
    expect([bySqlState(state)(error), kindOfError(error)]).toEqual([true, 'no']);
  },
);

test('no server, one that hangs up, one that is silent: transient, the last one as a time-out', async () => {
  expect(await kindOf(client(await closedPort()).connect())).toBe('transient');
  expect(await kindOf(client(await garbagePort()).connect())).toBe('transient');
  const impatient = { connectionTimeoutMillis: 50 };
  expect(await kindOf(client(await silentPort(), impatient).connect())).toBe('timeout');
  const pool = new Pool({ host: '127.0.0.1', port: await silentPort(), user: 'postgres', ...impatient });
  expect(await kindOf(pool.query('select 1'))).toBe('timeout');
});

describe('a real server', () => {
  let server: Service;
  let port: number;
  beforeAll(async () => {
    server = await startPostgres({ settings: { max_connections: 12, deadlock_timeout: '10ms' } });
    ({ port } = server);
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    await admin.query(
      'create table stock (id int primary key, n int not null); insert into stock values (1, 1), (2, 1)',
    );
    await admin.query("create role clerk login password 'right'");
    const rules = join(server.folder, 'data/pg_hba.conf');
    writeFileSync(rules, `host all clerk 127.0.0.1/32 scram-sha-256\n${readFileSync(rules, 'utf8')}`);
    await admin.query('select pg_reload_conf()');
    await admin.end();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each([
    ['42601', 'selec 1'],
    ['42P01', 'select * from nowhere'],
    ['22012', 'select 1/0'],
    ['23505', 'insert into stock values (1, 1)'],
    ['23502', 'insert into stock values (3, null)'],
    ['57014', "set statement_timeout = '20ms'; select pg_sleep(10)"],
  ])('a mistake or a refusal is not transient: %s, %s', async (state, sql) => {
    const error = await failureOf((await connected(port)).query(sql));
    expect([bySqlState(state)(error), kindOfError(error)]).toEqual([true, 'no']);
  });

  test('a wrong password is not transient: 28P01', async () => {
    const clerk = { user: 'clerk', password: 'wrong' };
    await expect
      .poll(async () => (await failureOf(client(port, clerk).connect())) as object, { timeout: 10_000 })
      .toMatchObject({
        code: '28P01',
      });
    expect(await kindOf(client(port, clerk).connect())).toBe('no');
    expect(await kindOf(client(port, { user: 'nobody' }).connect())).toBe('no');
  });

  test('a transaction that lost against another is transient: 40001, 40P01, 55P03', async () => {
    const [one, two] = [await connected(port), await connected(port)];
    for (const session of [one, two]) await session.query('begin isolation level repeatable read');
    await two.query('select * from stock');
    await one.query('update stock set n = n + 1 where id = 1; commit');
    const conflict = await failureOf(two.query('update stock set n = n + 1 where id = 1'));
    expect([bySqlState('40001')(conflict), kindOfError(conflict)]).toEqual([true, 'transient']);
    await two.query('rollback');

    for (const [session, id] of [
      [one, 1],
      [two, 2],
    ] as const) {
      await session.query('begin');
      await session.query('update stock set n = n + 1 where id = $1', [id]);
    }
    const ends = await Promise.allSettled([
      one.query('update stock set n = 0 where id = 2'),
      two.query('update stock set n = 0 where id = 1'),
    ]);
    const deadlock: unknown = ends.find((end) => end.status === 'rejected')?.reason;
    expect([bySqlState('40P01')(deadlock), kindOfError(deadlock)]).toEqual([true, 'transient']);
    for (const session of [one, two]) await session.query('rollback');

    await one.query('begin; select * from stock where id = 1 for update');
    const locked = await failureOf(two.query('select * from stock where id = 1 for update nowait'));
    expect([bySqlState('55P03')(locked), kindOfError(locked)]).toEqual([true, 'transient']);
    await one.query('rollback');
  });

  test('a session that an administrator ends is transient: 57P01', async () => {
    const [victim, admin] = [await connected(port), await connected(port)];
    const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid');
    const sleeping = failureOf(victim.query('select pg_sleep(60)'));
    await admin.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    const error = await sleeping;
    expect([bySqlState('57P01')(error), kindOfError(error)]).toEqual([true, 'transient']);
    await expect.poll(() => kindOf(victim.query('select 1')), { timeout: 10_000 }).toBe('transient');
  });

  test('a session that was idle for too long is transient: 57P05, and what the client says afterwards', async () => {
    const idle = await connected(port);
    const ended = new Promise<unknown>((resolve) => idle.once('error', resolve));
    await idle.query("set idle_session_timeout = '20ms'");
    const error = await ended;
    expect([bySqlState('57P05')(error), kindOfError(error)]).toEqual([true, 'transient']);
    const next = await failureOf(idle.query('select 1'));
    expect(String(next)).toBe('Error: Client has encountered a connection error and is not queryable');
    expect(kindOfError(next)).toBe('transient');
  });

  test('a full server is transient: 53300', async () => {
    const refusals: unknown[] = [];
    for (let index = 0; index < 14; index++)
      await client(port)
        .connect()
        .catch((error: unknown) => refusals.push(error));
    expect(refusals.map((error) => [bySqlState('53300')(error), kindOfError(error)])).toContainEqual([
      true,
      'transient',
    ]);
  });

  test('a pool that is busy, and an answer that does not come, are time-outs; a client that was closed is a mistake', async () => {
    const pool = new Pool({ connectionString: server.url, max: 1, connectionTimeoutMillis: 1000 });
    const taken = await pool.connect();
    expect(await kindOf(pool.query('select 1'))).toBe('timeout');
    taken.release();
    await pool.end();
    expect(await kindOf((await connected(port, { query_timeout: 50 })).query('select pg_sleep(1)'))).toBe('timeout');
    const closed = await connected(port);
    await closed.end();
    expect(await kindOf(closed.query('select 1'))).toBe('no');
  });

  test('a server that is shut down or dies is transient: "Connection terminated unexpectedly" has no code', async () => {
    const session = await connected(port);
    const sleeping = failureOf(session.query('select pg_sleep(60)'));
    server.signal('SIGQUIT');
    const error = await sleeping;
    expect(kindOfError(error)).toBe('transient');
    await server.restart();
  });
});
