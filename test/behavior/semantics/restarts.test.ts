import { expect, test } from 'vitest';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { testTempo } from '../../../src/testing/index.ts';
import { deaf, fault, stubborn } from './bench.ts';

const undo = (): void => undefined;

test('a signal that was accepted is not lost by a crash, and wakes the step after it', async () => {
  const definition = saga('s')
    .input<null>()
    .sleep('pause', '1d')
    .wait<'go', number>('go')
    .output(({ results }) => results.go);
  await using tempo = await testTempo({ sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: null });
  await tempo.signal('s', 'go', 7);
  await tempo.restart();
  expect(await tempo.until(run.result())).toBe(7);
});

test('a cancel that was accepted while a call was in flight goes on after a crash, settle time and all', async () => {
  const undone: string[] = [];
  const definition = saga('s')
    .input<null>()
    .step('a', { run: () => 1, compensate: () => void undone.push('a') })
    .step('b', { run: deaf, compensate: () => void undone.push('b') })
    .output();
  await using tempo = await testTempo({ sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: null });
  await tempo.advance('1s');
  expect(await tempo.cancel('s', { reason: 'no more' })).toMatchObject({ status: 'compensating' });
  await tempo.restart();
  await tempo.advance('31s');
  expect(undone).toEqual([]);
  await tempo.advance('1s');
  expect(undone).toEqual(['b', 'a']);
  expect(await tempo.until(run.outcome())).toMatchObject({ reason: 'cancel', cancelReason: 'no more' });
});

test('what waits for a person waits on after a crash, with its budget, its generation and its arguments', async () => {
  const seen: unknown[] = [];
  const definition = saga('s')
    .input<{ iban: string }>()
    .step('a', {
      run: () => 1,
      compensate: ({ input, attempt }) => {
        seen.push([attempt, input.iban]);
        if (input.iban !== 'right') throw fault('unknown account');
      },
      compensationRetry: stubborn(2),
    })
    .step('b', {
      run: () => {
        throw new TerminalError('no');
      },
      compensate: undo,
    })
    .output();
  await using tempo = await testTempo({ sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: { iban: 'wrong' } });
  await tempo.advance('1s');
  await tempo.restart();
  const item = { sagaId: 's', step: 'a', reason: 'compensation' };
  expect(await tempo.attention.list()).toMatchObject([{ ...item, generation: 0 }]);
  await tempo.attention.retry('s', 'a', { by: 'ada' });
  await tempo.advance('1s');
  await tempo.restart();
  expect(await tempo.attention.list()).toMatchObject([{ ...item, generation: 1 }]);
  await tempo.attention.retryWith('s', 'a', { by: 'ada', args: { iban: 'right' } });
  expect(await tempo.until(run.outcome())).toMatchObject({ status: 'compensated' });
  expect(seen.map((call) => (call as unknown[])[0])).toEqual([1, 2, 3, 4, 5]);
});

test('a probe in flight, a poll and a postponed call go on after a crash', async () => {
  let asked = 0;
  const definition = saga('s')
    .input<null>()
    .step('slow', {
      run: () => {
        if (++asked < 3) throw fault('at it', { code: 'MAKEGOOD_IN_PROGRESS' });
        return 1;
      },
      compensate: undo,
    })
    .step('a', {
      run: () => {
        throw new Error('no answer');
      },
      compensate: undo,
      statusProbe: () => (asked++ === 3 ? deaf() : { effect: 'none' }),
    })
    .output();
  await using tempo = await testTempo({ sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: null });
  await tempo.advance('500ms');
  await tempo.restart(); // polling
  await tempo.advance('2s');
  await tempo.restart(); // a probe is out
  expect(await tempo.until(run.outcome())).toMatchObject({ status: 'compensated' });
  const story = (await tempo.history('s')).map(({ type }) => type);
  expect(story.filter((type) => type === 'probe-started')).toHaveLength(2);
  expect(story.filter((type) => type === 'attempt-in-progress')).toHaveLength(2);
});

test('a child whose parent ended while the process was dying is released by the next', async () => {
  const child = saga('child')
    .input<null>()
    .step('c', { run: () => 'done', compensate: undo })
    .output();
  const parent = saga('parent')
    .input<null>()
    .child('child', child, () => null)
    .output();
  await using scout = await testTempo({ sagas: [parent] });
  await scout.until((await scout.start(parent, { id: 'p', input: null })).outcome());
  const last = (await scout.history('p')).length + (await scout.history('p~child')).length;
  // Each point of the two stories, the one between the parent's end and the child's release among them.
  for (let point = 1; point < last; point++) {
    await using tempo = await testTempo({ sagas: [parent], crashAfter: point });
    const run = await tempo.start(parent, { id: 'p', input: null });
    expect(await tempo.until(run.outcome())).toMatchObject({ status: 'completed' });
    await tempo.settle();
    expect(await tempo.get('p~child')).toMatchObject({ status: 'completed' });
  }
});
