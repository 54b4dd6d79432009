import { expect, test } from 'vitest';
import { modeSwitch } from '../../../src/advisor/index.ts';
import { openWalJournal } from '../../../src/journal/index.ts';
import { saga } from '../../../src/saga/index.ts';
import { openTempo } from '../../../src/tempo/index.ts';
import { memoryFiles, testClock } from '../../../src/testing/index.ts';

test('a saga keeps the mode it started with, when the switch turns and through a restart', async () => {
  const [files, clock] = [memoryFiles(), testClock()];
  const facts = { sla: 'p99<40ms', partition: 'cp-ap-fallback', semantics: 'idempotent' } as const;
  const seen: string[] = [];
  const variant = (version: 'agree' | 'mend', mode: 'durable' | 'saga-first') =>
    saga('order', { version })
      .input<string>()
      .step('reserve', { run: ({ input }) => void seen.push(`${input} ${version}`), compensate: () => undefined, mode })
      .wait('paid')
      .step('pack', { run: ({ input }) => void seen.push(`${input} ${version}`), compensate: () => undefined, mode })
      .output();
  const variants = { 'cp-cached': variant('agree', 'durable'), 'ap-compensated': variant('mend', 'saga-first') };
  const open = async () => {
    const journal = await openWalJournal('journal', { files, clock, segmentBytes: 65_536 });
    return openTempo({ journal, sagas: Object.values(variants), clock });
  };
  const modes = modeSwitch(facts, { clock });

  let tempo = await open();
  await tempo.start(modes.choose(variants), { id: 'first', input: 'first' });
  await clock.settle();
  modes.observe({ cutOff: true });
  await tempo.start(modes.choose(variants), { id: 'second', input: 'second' });
  await clock.settle();
  await tempo.close();
  tempo = await open();
  for (const id of ['first', 'second']) await tempo.signal(id, 'paid', null);
  await clock.settle();
  const { items } = await tempo.list();
  expect(items.map(({ id, version, status }) => `${id}: ${version}, ${status}`).toSorted()).toEqual([
    'first: agree, completed',
    'second: mend, completed',
  ]);
  expect(seen.toSorted()).toEqual(['first agree', 'first agree', 'second mend', 'second mend']);
  await tempo.close();
});
