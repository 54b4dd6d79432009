import { expect, test } from 'vitest';
import { openWalJournal } from '../../src/journal/index.ts';
import { journalWarmth, openLoggedSource, readCache } from '../../src/read-cache/index.ts';
import { saga } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';
import { memoryFiles, testClock } from '../../src/testing/index.ts';

test('what unfinished sagas have seen warms the cache before the first request', async () => {
  const [journal, clock] = [
    await openWalJournal('journal', { files: memoryFiles(), segmentBytes: 65_536 }),
    testClock(),
  ];
  const order = saga('order')
    .input<string>()
    .step('look', { run: ({ input }) => ({ key: input, value: 5, version: 1 }), readOnly: true })
    .wait('paid')
    .output();
  const tempo = await openTempo({ journal, sagas: [order], clock });
  for (let number = 0; number < 3; number++)
    await tempo.start(order, { id: `order-${number}`, input: `item-${number}` });
  await clock.settle();
  const source = await openLoggedSource<number>();
  for (let number = 0; number < 3; number++)
    await source.commit({ reads: new Map(), writes: new Map([[`item-${number}`, 5]]) });
  const cache = readCache<number>({ source });
  const warmth = journalWarmth<number>(journal, ({ steps }) =>
    steps.flatMap(({ output }) => {
      const seen = output as { key: string; value: number; version: number } | null | undefined;
      return seen?.key === undefined ? [] : [[seen.key, seen] as const];
    }),
  );
  expect(await cache.warm(warmth)).toBe(3);
  expect(await cache.get('item-2')).toBe(5);
  expect(cache.figures).toMatchObject({ hits: 1, misses: 0 });
  await tempo.close();
});
