/** S15: one who takes more than his share. */
import { expect, test } from 'vitest';
import { http } from '../../src/outbound/index.ts';
import { saga, type Saga } from '../../src/saga/index.ts';
import { nodeCaller } from '../../src/adapters/node/index.ts';
import { remoteParticipants, type TestClock, testClock, testTempo } from '../../src/testing/index.ts';
import { sleepMs } from '../../src/time/sleep.ts';
import { answer, callOf, rawServer } from '../integration/node/caller-world.ts';

/** A saga of one step that takes a second of the test's clock. */
function slowSaga(name: string, clock: TestClock): Saga<number, number> {
  return saga(name)
    .input<number>()
    .step('work', { run: async ({ input }) => (await sleepMs(1000, clock, undefined), input), readOnly: true })
    .output(({ results }) => results.work);
}

test('S15.1 a saga that is started a hundred times as often does not make the others wait', async () => {
  const clock = testClock();
  const loud = slowSaga('loud', clock);
  const quiet = slowSaga('quiet', clock);
  const sagas = [loud, quiet];
  await using tempo = await testTempo({ sagas, clock, concurrency: 10 });
  const timeOf = async (id: string): Promise<number> => {
    const before = clock.now();
    const run = await tempo.start(quiet, { id, input: 1 });
    await tempo.until(run.result());
    return clock.now() - before;
  };
  const alone = await timeOf('alone');
  for (let count = 0; count < 1000; count++) await tempo.start(loud, { id: `loud-${count}`, input: count });
  const times: number[] = [];
  for (let count = 0; count < 10; count++) times.push(await timeOf(`quiet-${count}`));
  // A slot comes free within one piece of work, and then it is the other's turn.
  expect(Math.max(...times)).toBeLessThanOrEqual(2 * alone);
  expect((await tempo.list({ name: 'loud', status: 'completed', limit: 1 })).items).toHaveLength(1);
});

test('S15.1 a participant that never answers holds its own places, and not those of another', async () => {
  await using silent = await rawServer(() => undefined);
  await using quick = await rawServer((socket) => socket.write(answer('{}')));
  await using caller = nodeCaller({ allow: ['loopback'], maxConcurrent: 20, maxQueue: 100 });
  const hanging = Array.from({ length: 200 }, () => caller.call(callOf(silent.url, 1500)));
  const before = performance.now();
  for (let count = 0; count < 50; count++)
    expect(await caller.call(callOf(quick.url, 1500))).toMatchObject({ status: 200 });
  expect(performance.now() - before).toBeLessThan(1500);
  expect(silent.connections).toBeLessThanOrEqual(20);
  const kinds = (await Promise.all(hanging)).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'refused').length).toBeGreaterThanOrEqual(80);
});

test('S15.2 an answer that asks to be polled at once, for ever, is polled ten times a second, and no more', async () => {
  const caller = remoteParticipants({
    'http://a/': () => new Response(null, { status: 202, headers: { 'Retry-After': '0' } }),
  });
  const definition = saga('s', { deadline: '10s' })
    .input<null>()
    .step('a', http({ url: 'http://a/', readOnly: true }))
    .output();
  await using tempo = await testTempo({ sagas: [definition], caller });
  const run = await tempo.start(definition, { id: 's', input: null });
  expect(await tempo.until(run.outcome())).toMatchObject({ status: 'compensated', reason: 'deadline' });
  expect(caller.calls.length).toBeLessThanOrEqual(101);
});

test('S15.3 a saga in whose handler the process dies twice is parked, and the others go on', async () => {
  let deaths = 0;
  const poison = saga('poison')
    .input<null>()
    .step('a', { run: () => new Promise<never>(() => deaths++), readOnly: true })
    .output();
  const other = saga('other').input<null>().sleep('pause', '1h').output();
  await using tempo = await testTempo({ sagas: [poison, other], crashLimit: 2 });
  await tempo.start(poison, { id: 'poison', input: null });
  const run = await tempo.start(other, { id: 'other', input: null });
  for (let crash = 0; crash < 5; crash++) {
    await tempo.advance('10ms');
    await tempo.restart();
  }
  await tempo.advance('10ms');
  expect(deaths).toBe(2);
  expect(await tempo.get('poison')).toMatchObject({ status: 'needs-human', failure: { code: 'MAKEGOOD_CRASH_LIMIT' } });
  expect(await tempo.until(run.outcome())).toMatchObject({ status: 'completed' });
});
