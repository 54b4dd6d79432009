/** S5.3 in PostgreSQL: a row that cannot be read stops its own saga, on whichever node owns it, and no other. */
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { openPostgresJournal } from '../../../src/adapters/postgres/index.ts';
import { saga } from '../../../src/saga/index.ts';
import { openTempo, type Tempo } from '../../../src/tempo/index.ts';

let postgres: Service;
let pool: Pool;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = new Pool({ connectionString: postgres.url, max: 10 });
}, 60_000);

afterAll(async () => {
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

const approve = saga('approve')
  .input<string>()
  .step('ask', { run: ({ input }) => `asked ${input}`, readOnly: true })
  .wait('answer')
  .output(({ results }) => results.answer);

const node = async (schema: string): Promise<Tempo> =>
  openTempo({ journal: await openPostgresJournal({ pool, schema, shards: 4 }), sagas: [approve] });

test.each([
  ['an unknown kind', 'kind = 199'],
  ['an unknown codec', "body = '7 0 2 1 1 '"],
  ['a damaged payload', "body = '1 0 2 1 1 {'"],
])('a row of %s blocks its saga, which says where it stands; all others go on', async (_, damage) => {
  const schema = `poisoned_${damage.length}`;
  const ids = ['poisoned', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  {
    await using tempo = await node(schema);
    for (const id of ids) await tempo.start(approve, { id, input: id });
    await tempo.drain();
  }
  const which = `saga = (SELECT key FROM ${schema}.saga WHERE id = 'poisoned') AND seq = 2`;
  expect((await pool.query(`UPDATE ${schema}.journal SET ${damage} WHERE ${which}`)).rowCount).toBe(1);
  await using tempo = await node(schema);
  const [, ...sound] = ids;
  for (const id of sound) await tempo.signal(id, 'answer', id);
  for (const id of sound) {
    const handle = await tempo.start(approve, { id, input: id });
    expect(await handle.result()).toBe(id);
  }
  expect(await tempo.get('poisoned')).toMatchObject({
    status: 'blocked',
    reason: 'unreadable',
    failure: {
      message: expect.stringMatching(/^record 2 at table journal, position \d+, .* cannot be read: /) as unknown,
    },
  });
  expect(await tempo.attention.list()).toMatchObject([{ sagaId: 'poisoned', reason: 'unreadable' }]);
  await expect(tempo.terminate('poisoned')).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_UNREADABLE' });
  const seen = new Set<string>();
  for await (const { sagaId, record } of tempo.recordsAfter(-1)) seen.add(`${sagaId} ${record.seq}`);
  expect([seen.has('poisoned 1'), seen.has('poisoned 2'), seen.has('h 2')]).toEqual([true, false, true]);
});
