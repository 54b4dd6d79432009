import { DatabaseSync } from 'node:sqlite';
import { array, assert, asyncProperty } from 'fast-check';
import { expect, test } from 'vitest';
import { purgeSqliteBarrier, sqliteBarrier } from '../../../src/adapters/sqlite/index.ts';
import { barrier } from '../../../src/participant/index.ts';
import { arrive, arrivingCall, BarrierModel } from '../barrier-model.ts';

function open() {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE effects (step TEXT PRIMARY KEY, amount INTEGER)');
  const add = database.prepare(
    'INSERT INTO effects VALUES (?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount',
  );
  const effect = async (_: DatabaseSync, step: string, amount: number): Promise<void> => void add.run(step, amount);
  const effects = (): Record<string, unknown> =>
    Object.fromEntries(
      database
        .prepare('SELECT * FROM effects')
        .all()
        .map((row) => [row['step'], row['amount']]),
    );
  return { database, rows: sqliteBarrier({ database }), effect, effects };
}

test('whatever arrives in whatever order, with duplicates and crashes: the rules of the barrier, and one effect', async () => {
  await assert(
    asyncProperty(array(arrivingCall, { maxLength: 20 }), async (calls) => {
      const { rows, effect, effects } = open();
      const model = new BarrierModel();
      for (const call of calls) expect(await arrive(rows, 's', call, effect)).toBe(model.expected(call));
      expect(effects()).toEqual(model.effects());
    }),
    { numRuns: 300 },
  );
});

test('calls that come at once take turns in one transaction each, and a failed one takes nothing of the others', async () => {
  const { rows, effect, effects } = open();
  const calls = Array.from({ length: 20 }, (_, number) => ({
    step: number % 2 === 0 ? 'a' : 'b',
    phase: 'action' as const,
    epoch: 1,
    fate: number < 2 ? ('crash' as const) : ('ok' as const),
  }));
  const answers = await Promise.all(calls.map((call) => arrive(rows, 's', call, effect)));
  expect(answers).toEqual(['crash', 'crash', ...Array.from({ length: 18 }, () => 'applied')]);
  expect(effects()).toEqual({ a: 1, b: 1 });
});

test('rows are purged by their age alone', async () => {
  const { database, rows } = open();
  await rows.transaction((_, store) => barrier(store, { saga: 's', step: 'a', phase: 'action', epoch: 1 }, () => 1));
  expect(purgeSqliteBarrier(database, { olderThanS: 60 })).toBe(0);
  database.exec('UPDATE makegood_barrier SET called_at = called_at - 61');
  expect(purgeSqliteBarrier(database, { olderThanS: 60 })).toBe(1);
  expect(() => purgeSqliteBarrier(database, { olderThanS: 0 })).toThrow(RangeError);
});
