/** What a PostgreSQL journal does when the server, the wire, or a record is not as it should be. */
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { migratePostgres, openPostgresJournal } from '../../../src/adapters/postgres/index.ts';
import type { Journal } from '../../../src/journal/index.ts';
import type { SagaRecord } from '../../../src/saga/index.ts';
import { type CuttingProxy, cuttingProxy } from '../../../scripts/services/cutting-proxy.ts';

let postgres: Service;
let direct: Pool;
let proxy: CuttingProxy;
let pool: Pool;
let schema = '';
let schemas = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  direct = new Pool({ connectionString: postgres.url, max: 4 });
  direct.on('error', () => undefined);
}, 60_000);

afterAll(async () => {
  await direct.end();
  await postgres[Symbol.asyncDispose]();
});

beforeEach(async () => {
  proxy = await cuttingProxy(postgres.port);
  const connectionString = postgres.url.replace(`:${postgres.port}/`, `:${proxy.port}/`);
  pool = new Pool({ connectionString, max: 8, connectionTimeoutMillis: 1000 });
  pool.on('error', () => undefined);
  schema = `troubles_${++schemas}`;
});

afterEach(async () => {
  await pool.end();
  await proxy[Symbol.asyncDispose]();
});

const open = (): Promise<Journal> => openPostgresJournal({ pool, schema, shards: 4, answerWithin: '1s' });

function started(epoch: number, step = 'a'): readonly SagaRecord[] {
  const header = { epoch, timestamp: 1000 };
  return [
    { ...header, seq: 1, type: 'saga-started', name: 'n', version: '1', definition: 'd', steps: [step], input: null },
    { ...header, seq: 2, type: 'step-started', step, attempt: 1 },
  ];
}

const start = (journal: Journal, id: string, step?: string): Promise<number> =>
  journal.append(id, started(journal.epoch, step), { epoch: journal.epoch, expectedSeq: 0 });

const confirm = (journal: Journal, id: string): Promise<number> => {
  const { epoch } = journal;
  const record: SagaRecord = {
    seq: 3,
    epoch,
    timestamp: 2000,
    type: 'step-confirmed',
    step: 'a',
    attempt: 1,
    output: 1,
  };
  return journal.append(id, [record], { epoch, expectedSeq: 2 });
};

async function countOf(what: string): Promise<number> {
  const { rows } = await direct.query(`SELECT count(*)::integer AS count FROM ${schema}.${what}`);
  return (rows[0] as { count: number }).count;
}

test('the answer to a commit is lost: the append is done once, and its caller is told so', async () => {
  await using journal = await open();
  await start(journal, 'first');
  proxy.cutAnswersTo('append_1', 2);
  await Promise.all([start(journal, 'second'), confirm(journal, 'first')]);
  expect(proxy.cuts).toBe(2);
  expect((await journal.read('first')).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect((await journal.read('second')).map(({ seq }) => seq)).toEqual([1, 2]);
  expect(await countOf('journal')).toBe(5);
});

test('the answer to a start is lost, and the id was taken before: that is still a conflict', async () => {
  await using journal = await open();
  await start(journal, 'taken');
  proxy.cutAnswersTo('append_1', 1);
  await expect(start(journal, 'taken')).rejects.toMatchObject({ code: 'MAKEGOOD_APPEND_CONFLICT' });
  expect(proxy.cuts).toBe(1);
});

test('a server that does not answer costs the connection, not the append', async () => {
  await using journal = await open();
  await start(journal, 'before');
  proxy.hang(true);
  const during = start(journal, 'during');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  proxy.hang(false);
  await during;
  expect(await countOf('saga')).toBe(2);
});

test('a record that cannot be stored is refused alone, and those that travelled with it are kept', async () => {
  await using journal = await open();
  await start(journal, 'warm-up');
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const outcomes = await Promise.allSettled(ids.map((id) => start(journal, id, id === 'd' ? 'nul \0 byte' : 'a')));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused.map(({ reason }) => reason as unknown)).toMatchObject([
    { code: 'MAKEGOOD_RECORD_REFUSED', sagaId: 'd' },
  ]);
  expect(await countOf('saga')).toBe(ids.length);
  await start(journal, 'd');
});

test('connections that are ended by an operator lose nothing and double nothing', async () => {
  await using journal = await open();
  const ids = Array.from({ length: 200 }, (_, place) => `saga-${place}`);
  const starting = ids.map(async (id, place) => {
    await new Promise((resolve) => setTimeout(resolve, place));
    await start(journal, id);
    await confirm(journal, id);
  });
  for (let round = 0; round < 8; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await direct.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%append_1%'`,
    );
  }
  await Promise.all(starting);
  expect([await countOf('saga'), await countOf('journal')]).toEqual([200, 600]);
});

test('a day without a partition gets one when the first saga of it is started', async () => {
  await using journal = await open();
  await direct.query(`DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '${schema}.journal'::regclass
    LOOP EXECUTE 'DROP TABLE ' || name; END LOOP; END $$`);
  await start(journal, 's');
  expect(await countOf('journal')).toBe(2);
});

test('a journal of one opener is refused to a second while the first lives, and free when it has closed', async () => {
  const first = await openPostgresJournal({ pool, schema, shards: 4, lease: '1s' });
  await start(first, 's');
  await using second = await openPostgresJournal({ pool, schema, lease: '1s' });
  await expect(start(second, 't')).rejects.toMatchObject({ code: 'MAKEGOOD_JOURNAL_HELD', shards: 4 });
  await first.close();
  await using third = await openPostgresJournal({ pool, schema });
  await start(third, 't');
});

test('an opener that was silent for longer than its lease is refused by the database', async () => {
  const silent = await openPostgresJournal({ pool, schema, shards: 4, lease: '1s' });
  await start(silent, 's');
  proxy.hang(true);
  const late = start(silent, 'late').catch((error: unknown) => error);
  const other = await openPostgresJournal({ pool: direct, schema, lease: '2s' });
  await start(other, 'new');
  proxy.hang(false);
  expect(await late).toMatchObject({ code: 'MAKEGOOD_SHARD_LOST' });
  expect(await other.read('late')).toEqual([]);
  await other.close();
  await silent.close();
});

test('many openers migrate an empty database at once, and all find the same schema', async () => {
  const applied = await Promise.all(Array.from({ length: 6 }, () => migratePostgres({ pool: direct, schema })));
  expect(applied.filter((count) => count > 0)).toHaveLength(1);
  expect(await countOf('shard')).toBe(64);
});

test('a schema that is missing, too new, or another than this version knows is refused', async () => {
  const check = (): Promise<Journal> => openPostgresJournal({ pool, schema, migrate: false });
  await expect(check()).rejects.toMatchObject({ code: 'MAKEGOOD_SCHEMA_MISMATCH' });
  await migratePostgres({ pool, schema });
  await (await check()).close();
  await direct.query(`INSERT INTO ${schema}.migration (number, name, checksum, oldest) VALUES (99, 'later', '', 99)`);
  await expect(check()).rejects.toThrow(/migration 99 needs a version that knows schema 99/);
  await direct.query(`DELETE FROM ${schema}.migration WHERE number = 99`);
  await direct.query(`UPDATE ${schema}.migration SET checksum = 'other' WHERE number = 1`);
  await expect(check()).rejects.toThrow(/migration 1 was applied with another text/);
});

test('the records of a day are dropped when all its sagas are finished for long enough, and their ids stay taken', async () => {
  await using journal = await open();
  await start(journal, 'old');
  await start(journal, 'old-too');
  await start(journal, 'unfinished');
  await start(journal, 'today');
  const { epoch } = journal;
  const end = (id: string): Promise<number> =>
    journal.append(id, [{ seq: 3, epoch, timestamp: 5000, type: 'saga-completed', output: 1 }], {
      epoch,
      expectedSeq: 2,
    });
  await Promise.all(['old', 'old-too', 'today'].map(end));
  // Two days of ten years ago, one of them with a saga that goes on.
  await direct.query(`CREATE TABLE ${schema}.journal_20160101 PARTITION OF ${schema}.journal FOR VALUES FROM ('2016-01-01') TO ('2016-01-02');
    CREATE TABLE ${schema}.journal_20160102 PARTITION OF ${schema}.journal FOR VALUES FROM ('2016-01-02') TO ('2016-01-03');
    WITH moved AS (UPDATE ${schema}.saga SET day = CASE id WHEN 'unfinished' THEN '2016-01-01'::date ELSE '2016-01-02' END
      WHERE id <> 'today' RETURNING key, day)
    UPDATE ${schema}.journal j SET day = moved.day FROM moved WHERE j.saga = moved.key`);
  const purge = async (): Promise<unknown> =>
    (await direct.query(`SELECT dropped::text, forgotten, held::text[] FROM ${schema}.purge_1(86400000, 1e15, 100)`))
      .rows[0];
  expect(await purge()).toEqual({ dropped: '2016-01-02', forgotten: 0, held: ['2016-01-01'] });
  expect(await purge()).toEqual({ dropped: null, forgotten: 0, held: ['2016-01-01'] });
  expect((await journal.list()).items.map(({ id }) => id)).toEqual(['today', 'unfinished']);
  expect(await journal.read('old')).toEqual([]);
  expect((await journal.read('unfinished')).length).toBe(2);
  await expect(start(journal, 'old')).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_PURGED', finishedAt: 5000 });
  await journal.append('old', started(epoch), { epoch, expectedSeq: 0, allowReuse: true });
  expect((await journal.read('old')).length).toBe(2);
  const forget = await direct.query(`SELECT forgotten FROM ${schema}.purge_1(86400000, 86400000, 100)`);
  expect(forget.rows).toEqual([{ forgotten: 1 }]);
  await start(journal, 'old-too');
});

test('a lease that is over cannot be renewed, also when nobody has buried its node', async () => {
  await migratePostgres({ pool: direct, schema });
  const { rows } = await direct.query(`SELECT ${schema}.enlist_1('late', 'test', 50) AS id`);
  const { id } = rows[0] as { id: string };
  await new Promise((resolve) => setTimeout(resolve, 100));
  const tended = await direct.query(`SELECT alive FROM ${schema}.tend_1($1, 1000, 'all')`, [id]);
  expect(tended.rows).toEqual([{ alive: false }]);
  expect(await countOf('shard WHERE owner IS NOT NULL')).toBe(0);
});

test('the clock of a shared journal is never ahead of the server', async () => {
  await using journal = await openPostgresJournal({ pool, schema, shards: 4 });
  for (let reading = 0; reading < 20; reading++) {
    const here = journal.clock.now();
    const { rows } = await direct.query(`SELECT ${schema}.now_ms() AS at`);
    const { at } = rows[0] as { at: number };
    expect(at).toBeGreaterThanOrEqual(here);
    expect(at - here).toBeLessThan(2000);
  }
});
