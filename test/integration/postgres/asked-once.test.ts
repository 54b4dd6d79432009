/** What is asked of a saga that another node drives is carried out once, also when that node dies before it has answered. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { shardOf } from '../../../src/adapters/postgres/journal/shard-of.ts';
import { Ledger, openNode, until } from './cluster-world.ts';
import { retriedSaga } from './retried-saga.ts';

let postgres: Service;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres[Symbol.asyncDispose]());

const owner = fileURLToPath(new URL('asked-once-owner.ts', import.meta.url));

test('an owner that is killed between doing and answering has done it: its heir answers, and does it no second time', async () => {
  const schema = 'asked_once';
  const ledger = new Ledger();
  // The owner of everything is another process.
  const child = fork(owner, [postgres.url, schema], { execArgv: ['--conditions=makegood:source'] });
  await once(child, 'message');
  await using asker = await openNode(postgres.url, schema, { sagas: [retriedSaga(ledger)] });
  await until('half of the shards are here', () => asker.shards.size === 4);
  const id = Array.from({ length: 16 }, (_, n) => `order-${n}`).find((own) => !asker.shards.has(shardOf(own, 8))) ?? '';
  const records = async (): Promise<number> => (await asker.tempo.history(id)).length;
  await until('it waits for a person', async () => (await asker.tempo.get(id))?.status === 'needs-human');
  const before = await records();

  // No answer can be stored: the owner does what it is asked for, and is killed when it would say so.
  const gate = await asker.pool.connect();
  await gate.query(`BEGIN; LOCK TABLE ${schema}.command IN ACCESS SHARE MODE; CREATE FUNCTION ${schema}.wait_1() RETURNS trigger
    LANGUAGE plpgsql AS $$ BEGIN IF NEW.answer IS NOT NULL THEN PERFORM pg_advisory_xact_lock(77); END IF; RETURN NEW; END $$;
    CREATE TRIGGER waits BEFORE UPDATE ON ${schema}.command FOR EACH ROW EXECUTE FUNCTION ${schema}.wait_1(); COMMIT;
    SELECT pg_advisory_lock(77)`);
  const answered = asker.tempo.attention.retry(id, 'pay', { by: 'ada' });
  // Asked again for another budget, it runs into the same wall: decided once, and waiting for a person again.
  await until('it was retried in vain', async () => {
    const state = await asker.tempo.get(id);
    return (await records()) > before && state?.status === 'needs-human';
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  // The server would go on with what it was told last.
  await gate.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%answer_1%' AND pid <> pg_backend_pid()`,
  );
  await gate.query('SELECT pg_advisory_unlock(77)');
  gate.release();

  await answered;
  await until('the rest of the shards are here', () => asker.shards.size === 8);
  const decided = (await asker.tempo.history(id)).filter(({ type }) => type === 'human-decided');
  expect(decided).toHaveLength(1);
  // The heir has called nothing at all.
  expect(ledger.effects).toEqual([]);
}, 60_000);
