import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { deadlineOf, remainingMs, withDeadline } from '../time/deadline.ts';
import { sleep } from '../time/sleep.ts';
import { timeout, type TimeoutEvent } from './timeout.ts';

const look = ({ signal }: { readonly signal: AbortSignal }): readonly unknown[] => [
  remainingMs(signal),
  deadlineOf(signal)?.dueMs,
];

const hang = (): Promise<never> => new Promise(() => undefined);

test('a call that takes too long rejects at its time with a DeadlineExceededError, and so does its signal', async () => {
  const clock = testClock();
  const events: TimeoutEvent[] = [];
  let signal: AbortSignal | undefined;
  const policy = timeout('2s', { clock, name: 'page', observer: (event) => events.push(event) });
  const call = policy.execute((inner) => ((signal = inner.signal), hang())).catch((error: unknown) => error);
  await clock.advance(1999);
  expect(signal?.aborted).toBe(false);
  await clock.advance(1);
  const error = await call;
  expect(error).toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED', deadlineMs: 2000, elapsedMs: 2000 });
  expect((error as Error).message).toBe('"page" exceeded its deadline of 2000 ms after 2000 ms');
  expect(signal?.reason).toBe(error);
  expect(events).toEqual([{ type: 'timeout.expired', name: 'page', timeoutMs: 2000, error }]);
  expect(clock.pendingTimers).toBe(0);
});

test("one call's time-out aborts that call only", async () => {
  const clock = testClock();
  const policy = timeout(100, { clock });
  const signals: AbortSignal[] = [];
  const call = (ms: number): Promise<string> =>
    policy.execute(async ({ signal }) => {
      signals.push(signal);
      await sleep(ms, { clock });
      return 'in time';
    });
  const slow = call(500).catch((error: Error) => error.message);
  await clock.advance(50);
  const quick = call(90);
  await clock.runAll();
  expect([await quick, await slow]).toEqual(['in time', '"timeout" exceeded its deadline of 100 ms after 100 ms']);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
});

test('the late end of a function that was timed out is ignored, also when it rejects', async () => {
  for (const settle of ['resolve', 'reject'] as const) {
    const clock = testClock();
    const late: PromiseWithResolvers<unknown> = Promise.withResolvers();
    const call = timeout(100, { clock }).execute(() => late.promise);
    const rejected = expect(call).rejects.toMatchObject({ deadlineMs: 100 });
    await clock.advance(100);
    late[settle](new Error('far too late'));
    await rejected;
  }
});

test('what the function returns or throws in time passes through untouched, at once or later', async () => {
  const clock = testClock();
  const policy = timeout(100, { clock });
  expect(await policy.execute(() => 7)).toBe(7);
  expect(await policy.wrap(async (_call, name: string) => `hello ${name}`)('Ada')).toBe('hello Ada');
  for (const thrown of [new Error('odd'), 'text', undefined]) {
    await expect(policy.execute(() => Promise.reject(thrown))).rejects.toBe(thrown);
    const throwing = (): never => {
      throw thrown as Error;
    };
    await expect(policy.execute(throwing)).rejects.toBe(thrown);
  }
  expect(clock.pendingTimers).toBe(0);
});

test("the caller's abort ends it at once with the caller's reason, which the function sees too", async () => {
  const clock = testClock();
  const caller = new AbortController();
  let signal: AbortSignal | undefined;
  const call = timeout(100, { clock }).execute((inner) => ((signal = inner.signal), hang()), { signal: caller.signal });
  const rejected = expect(call).rejects.toBe('left');
  caller.abort('left');
  await rejected;
  expect([signal?.reason, clock.pendingTimers, getEventListeners(caller.signal, 'abort').length]).toEqual([
    'left',
    0,
    0,
  ]);
  const { signal: kept } = new AbortController();
  await timeout(100, { clock }).execute(() => 'quick', { signal: kept });
  expect(getEventListeners(kept, 'abort')).toHaveLength(0);
  const fn = vi.fn();
  await expect(timeout(100, { clock }).execute(fn, { signal: caller.signal })).rejects.toBe('left');
  expect(fn).not.toHaveBeenCalled();
});

test('a deadline only shortens: the one that comes first rides on the signal of the call', async () => {
  const clock = testClock();
  using outer = withDeadline(undefined, 300, { clock });
  expect(await timeout(100, { clock }).execute(look, { signal: outer })).toEqual([100, 100]);
  expect(await timeout('1h', { clock }).execute(look, { signal: outer })).toEqual([300, 300]);
  expect(await timeout(100, { clock }).execute(look)).toEqual([100, 100]);
});

test('no AbortController is made for a function that does not ask for its signal', async () => {
  const made = vi.spyOn(globalThis, 'AbortController');
  const clock = testClock();
  await timeout(100, { clock }).execute(() => 'quick');
  const late = timeout(100, { clock }).execute(hang);
  const rejected = expect(late).rejects.toMatchObject({ deadlineMs: 100 });
  await clock.runAll();
  await rejected;
  expect(made).not.toHaveBeenCalled();
  made.mockRestore();
});

test('a signal that is first asked for after the time-out has aborted', async () => {
  const clock = testClock();
  let kept: { readonly signal: AbortSignal } | undefined;
  const call = timeout(100, { clock }).execute((inner) => ((kept = inner), hang()));
  const rejected = expect(call).rejects.toBeDefined();
  await clock.runAll();
  await rejected;
  expect(kept?.signal.aborted).toBe(true);
});

test('1000 calls under way set one timer, and any of them is ended at its own time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ startMs: fc.nat(500), takesMs: fc.nat(500) }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1, max: 300 }),
      async (calls, timeoutMs) => {
        const clock = testClock();
        const policy = timeout(timeoutMs, { clock });
        const ends = calls.map(async ({ startMs, takesMs }) => {
          if (startMs > 0) await sleep(startMs, { clock });
          return policy
            .execute(() => (takesMs === 0 ? undefined : sleep(takesMs, { clock })))
            .then(
              () => ['in time', clock.monotonicMs()],
              () => ['timed out', clock.monotonicMs()],
            );
        });
        await clock.settle();
        expect(clock.pendingTimers).toBeLessThanOrEqual(1);
        await clock.runAll();
        const expected = calls.map(({ startMs, takesMs }) =>
          takesMs < timeoutMs ? ['in time', startMs + takesMs] : ['timed out', startMs + timeoutMs],
        );
        const ended = await Promise.all(ends);
        for (const [index, end] of ended.entries()) {
          // At the very same millisecond either may come first.
          if (calls[index]?.takesMs !== timeoutMs) expect(end).toEqual(expected[index]);
        }
        expect(clock.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});

test('a wrong duration or option is refused at once', () => {
  expect(() => timeout(0)).toThrow(new RangeError('Expected timeout to be more than 0 ms, got 0'));
  expect(() => timeout('2 s')).toThrow(TypeError);
  expect(() => timeout(1, { name: 7 as never })).toThrow(new TypeError('Expected name to be text, got number'));
});
