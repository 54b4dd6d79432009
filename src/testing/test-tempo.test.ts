import { expect, test } from 'vitest';
import { constant } from '../backoff/constant.ts';
import type { Saga } from '../saga/definition.ts';
import { saga } from '../saga/saga.ts';
import { TerminalError } from '../saga/terminal-error.ts';
import { testTempo } from './test-tempo.ts';

const anHour = 3_600_000;

function patient(): { definition: Saga<null, string>; calls: number[] } {
  const calls: number[] = [];
  const definition = saga('patient')
    .input<null>()
    .step('ask', {
      run: ({ attempt }) => {
        calls.push(attempt);
        if (attempt < 3) throw Object.assign(new Error('maintenance'), { status: 503 });
        return 'answered';
      },
      readOnly: true,
      retry: { maxAttempts: 3, backoff: constant('1h') },
    })
    .output(({ results }) => results.ask);
  return { definition, calls };
}

test('hours of backoff pass when the test says so', async () => {
  const { definition, calls } = patient();
  await using tempo = await testTempo({ sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: null });
  await tempo.advance('59m');
  expect(calls).toEqual([1]);
  await tempo.advance('1m');
  expect(calls).toEqual([1, 2]);
  expect(await tempo.settle()).toBe(anHour);
  expect(await run.result()).toBe('answered');
  expect(tempo.clock.pendingTimers).toBe(0);
});

test('a backoff goes on in the next process, and the client still has its answer', async () => {
  const { definition, calls } = patient();
  await using tempo = await testTempo({ sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: null });
  const waiting = run.result();
  await tempo.advance('30m');
  await tempo.restart();
  expect(tempo.lives).toBe(2);
  expect((await tempo.get('s'))?.status).toMatch(/running|waiting/);
  await tempo.advance('29m');
  expect(calls).toEqual([1]);
  expect(await tempo.until(waiting)).toBe('answered');
  expect(calls).toEqual([1, 2, 3]);
  expect(tempo.clock.monotonicMs()).toBe(2 * anHour);
});

test('until a promise settles, time moves no further than it takes', async () => {
  const { definition } = patient();
  await using tempo = await testTempo({ sagas: [definition] });
  const run = await tempo.start(definition, { input: null, deadline: '90m' });
  expect(await tempo.until(run.outcome())).toMatchObject({ status: 'compensated', reason: 'deadline' });
  expect(tempo.clock.monotonicMs()).toBe(anHour);
});

test('a wait that no timer can end is an error, not a hang', async () => {
  await using tempo = await testTempo({ sagas: [] });
  await expect(tempo.until(new Promise(() => undefined))).rejects.toThrow(RangeError);
});

test('a process that dies before its first record is durable has started nothing, and the client asks again', async () => {
  const { definition, calls } = patient();
  await using tempo = await testTempo({ sagas: [definition], crashBefore: 1 });
  const run = await tempo.start(definition, { id: 's', input: null });
  expect(tempo.lives).toBe(2);
  expect(run.created).toBe(true);
  await tempo.until(run.result());
  expect(calls).toEqual([1, 2, 3]);
});

test('a process that dies right after a record is durable has done nothing about it; the next one does', async () => {
  const { definition, calls } = patient();
  await using tempo = await testTempo({ sagas: [definition], crashAfter: 1 });
  const run = await tempo.start(definition, { id: 's', input: null });
  expect(run.created).toBe(false);
  expect((await tempo.history('s'))[0]?.epoch).toBe(1);
  await tempo.until(run.result());
  expect(calls.at(-1)).toBe(3);
});

test('no timer of a dead process fires, and none is left', async () => {
  const { definition } = patient();
  await using tempo = await testTempo({ sagas: [definition] });
  await tempo.start(definition, { id: 's', input: null });
  await tempo.clock.settle();
  expect(tempo.clock.pendingTimers).toBe(1);
  await tempo.close();
  await tempo.close();
  expect(tempo.clock.pendingTimers).toBe(0);
});

test('a deploy: the next process has other definitions, and shows what it cannot drive', async () => {
  const { definition } = patient();
  await using tempo = await testTempo({ sagas: [definition] });
  await tempo.start(definition, { id: 's', input: null });
  await tempo.restart({ sagas: [] });
  expect(await tempo.get('s')).toMatchObject({ status: 'blocked' });
  await tempo.restart({ sagas: [definition] });
  await tempo.settle();
  expect(await tempo.get('s')).toMatchObject({ status: 'completed' });
});

test('what a saga throws comes to the client as it is', async () => {
  const refused = saga('refused')
    .input<null>()
    .step('ask', {
      run: () => {
        throw new TerminalError('no', { code: 'NO' });
      },
      readOnly: true,
    })
    .output();
  await using tempo = await testTempo({ sagas: [refused] });
  const run = await tempo.start(refused, { id: 's', input: null });
  await expect(tempo.until(run.result())).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_COMPENSATED' });
  await expect(tempo.start(refused, { id: '!', input: null })).rejects.toThrow(TypeError);
  await expect(testTempo({ sagas: [refused], concurrency: 0 })).rejects.toThrow(RangeError);
});
