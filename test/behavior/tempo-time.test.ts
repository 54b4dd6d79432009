import { expect, test } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { memoryJournal } from '../../src/journal/index.ts';
import { saga, TerminalError } from '../../src/saga/index.ts';
import { openTempo, SagaNeedsHumanError } from '../../src/tempo/index.ts';
import { testClock } from '../../src/testing/index.ts';

/** A saga of one step that behaves as told, on a test clock. */
function oneStep(run: () => unknown, compensate: () => unknown = () => undefined, maxFlight: '0ms' | '30s' = '30s') {
  const clock = testClock();
  const retry = { maxAttempts: 3, backoff: constant(1000), retryable: () => true };
  const definition = saga('one')
    .input<null>()
    .step('first', { run: () => 1, compensate })
    .step('only', { run, compensate: () => undefined, retry, maxFlight })
    .output();
  return { clock, definition, open: () => openTempo({ journal: memoryJournal(), sagas: [definition], clock }) };
}

test('a failed attempt is made again after its backoff, on a timer that the log knows', async () => {
  let calls = 0;
  const { clock, definition, open } = oneStep(() => {
    calls++;
    if (calls < 3) throw new Error(`failure ${calls}`);
    return 'done';
  });
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null });
  await clock.settle();
  expect(calls).toBe(1);
  expect((await tempo.get('s'))?.steps[1]).toMatchObject({
    state: 'running',
    attempts: 1,
    nextAttemptAt: clock.now() + 1000,
  });
  await clock.advance(999);
  expect(calls).toBe(1);
  await clock.advance(1001);
  expect(calls).toBe(3);
  expect(await run.outcome()).toMatchObject({ status: 'completed' });
  expect(clock.pendingTimers).toBe(0);
});

test('a compensation is made 4 times, after 1 s, 2 s and 4 s at most, and then a person is asked', async () => {
  const undone: number[] = [];
  const { clock, definition, open } = oneStep(
    () => {
      throw new TerminalError('no');
    },
    () => {
      undone.push(clock.monotonicMs());
      throw new Error('the callee is away');
    },
  );
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null });
  await clock.runAll();
  expect(undone).toHaveLength(4);
  undone.slice(1).forEach((at, index) => {
    const waited = at - (undone[index] ?? 0);
    expect(waited).toBeGreaterThanOrEqual(500 * 2 ** index);
    expect(waited).toBeLessThanOrEqual(1000 * 2 ** index + 1);
  });
  expect(await run.outcome()).toMatchObject({ status: 'needs-human', failure: { code: 'TERMINAL', step: 'only' } });
  await expect(run.result()).rejects.toThrow(SagaNeedsHumanError);
  expect((await tempo.list({ status: 'needs-human' })).items).toHaveLength(1);
});

test('an attempt that outlives its time-out is aborted; nothing is undone while it may still be on its way', async () => {
  const { promise: never } = Promise.withResolvers<void>();
  const undone: number[] = [];
  const clock = testClock();
  const deaf = saga('deaf')
    .input<null>()
    .step('deaf', {
      run: () => never,
      compensate: () => undone.push(clock.monotonicMs()),
      timeout: '2s',
      maxFlight: '30s',
      retry: { maxAttempts: 1 },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [deaf], clock });
  const run = await tempo.start(deaf, { id: 's', input: null });
  await clock.advance(31_000);
  expect(undone).toEqual([]);
  expect(await tempo.get('s')).toMatchObject({ status: 'compensating', steps: [{ state: 'unknown' }] });
  await clock.advance(1500);
  expect(undone).toEqual([32_000]);
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
});

test('a handler that listens to its signal is undone at once, with the deadline as the reason of the abort', async () => {
  const clock = testClock();
  const reasons: unknown[] = [];
  const polite = saga('polite')
    .input<null>()
    .step('polite', {
      run: ({ signal }) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason as Error);
          });
        }),
      compensate: ({ output }) => reasons.push(output),
      timeout: '2s',
      retry: { maxAttempts: 1 },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [polite], clock });
  const run = await tempo.start(polite, { id: 's', input: null });
  await clock.advance(2000);
  expect(reasons).toMatchObject([{ code: 'MAKEGOOD_DEADLINE_EXCEEDED' }, undefined]);
  expect(await run.outcome()).toMatchObject({ status: 'compensated' });
});

test('the saga deadline ends the forward way: a retry that would pass it is not waited for, and what was done is undone', async () => {
  const { clock, definition, open } = oneStep(() => {
    throw new Error('not yet');
  });
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null, deadline: '1500ms' });
  await clock.advance(1001);
  expect(await tempo.get('s')).toMatchObject({ status: 'compensated' });
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'deadline' });
  expect((await tempo.get('s'))?.steps[1]).toMatchObject({ attempts: 2 });
});

test('a step does not start after the saga deadline, though the one before it ended well', async () => {
  const clock = testClock();
  const calls: string[] = [];
  const late = saga('late')
    .input<null>()
    .step('slow', {
      run: () => new Promise<void>((resolve) => clock.setTimer(900, resolve)),
      compensate: () => calls.push('undo slow'),
    })
    .step('next', { run: () => calls.push('next'), compensate: () => calls.push('undo next') })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [late], clock });
  const run = await tempo.start(late, { id: 's', input: null, deadline: '900ms' });
  await clock.runAll();
  expect(calls).toEqual(['undo slow']);
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'deadline' });
});

test("waiting for a saga ends with the caller's own reason when its signal aborts, and the saga goes on", async () => {
  const { clock, definition, open } = oneStep(() => {
    throw new Error('not yet');
  });
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null });
  const controller = new AbortController();
  const result = run.result({ signal: controller.signal });
  controller.abort('enough');
  await expect(result).rejects.toBe('enough');
  await clock.runAll();
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
});
