import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { compose } from '../../src/policy/index.ts';
import { retry, retryBudget, retryPolicy, retryReport } from '../../src/retry/index.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { DeadlineExceededError, deadlineOf, remainingMs, withDeadline } from '../../src/time/index.ts';
import { hang, heed, unavailable } from './retry-world.ts';

test("one attempt's time-out aborts that attempt only, counts as transient, and the next succeeds", async () => {
  const clock = testClock();
  const signals: AbortSignal[] = [];
  const call = retry(
    (attempt) => {
      signals.push(attempt.signal);
      return attempt.number < 3 ? heed(attempt) : 'third time lucky';
    },
    { attemptTimeout: '2s', backoff: constant(100), clock },
  );
  await clock.runAll();
  expect(await call).toBe('third time lucky');
  expect(clock.monotonicMs()).toBe(4200);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  expect(signals[0]?.reason).toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED', deadlineMs: 2000, elapsedMs: 2000 });
  expect(signals[1]?.reason).toMatchObject({
    message: 'attempt 2 of "retry" exceeded its deadline of 2000 ms after 2000 ms',
  });
});

test('a function that ignores its signal is timed out all the same, and its late end changes nothing', async () => {
  const clock = testClock();
  const late: PromiseWithResolvers<string> = Promise.withResolvers();
  const call = retry(({ number }) => (number === 1 ? late.promise : 'second'), {
    attemptTimeout: 100,
    backoff: constant(50),
    clock,
  });
  await clock.advance(120);
  late.reject(new Error('far too late'));
  await clock.advance(30);
  expect(await call).toBe('second');
  expect(clock.pendingTimers).toBe(0);
});

test('when every attempt times out, the call rejects with the last time-out', async () => {
  const clock = testClock();
  const call = retry(hang, { attemptTimeout: 100, maxAttempts: 2, backoff: constant(0), clock, name: 'page' });
  const rejected = expect(call).rejects.toThrow('attempt 2 of "page" exceeded its deadline of 100 ms after 100 ms');
  await clock.runAll();
  await rejected;
  const report = retryReport(await call.catch((error: unknown) => error));
  expect(report).toMatchObject({ attempts: 2, reason: 'attempts-exhausted', elapsedMs: 200 });
});

test('an attempt under way when the deadline expires is ended, with the last error as the cause', async () => {
  const clock = testClock();
  const first = unavailable();
  let signal: AbortSignal | undefined;
  const call = retry(
    (attempt) => {
      if (attempt.number === 1) throw first;
      signal = attempt.signal;
      return hang();
    },
    { deadline: 300, backoff: constant(100), clock, name: 'page' },
  );
  const ended = call.catch((error: unknown) => error);
  await clock.advance(300);
  const error = await ended;
  expect(error).toBeInstanceOf(DeadlineExceededError);
  expect(error).toMatchObject({ deadlineMs: 300, elapsedMs: 300, cause: first });
  expect((error as Error).message).toBe('"page" exceeded its deadline of 300 ms after 300 ms');
  expect(signal?.reason).toBe(error);
  expect(retryReport(error)).toMatchObject({ attempts: 2, reason: 'deadline', errors: [first], delaysMs: [100] });
  expect(clock.pendingTimers).toBe(0);
});

test('a wait that would reach the deadline is not slept: it ends at once with the last error', async () => {
  const clock = testClock();
  const error = unavailable();
  const fn = vi.fn(() => Promise.reject(error));
  const call = retry(fn, { deadline: 300, backoff: constant(1001), clock });
  await expect(call).rejects.toBe(error);
  expect(clock.monotonicMs()).toBe(0);
  expect(fn).toHaveBeenCalledTimes(1);
  expect(retryReport(error)).toMatchObject({ attempts: 1, reason: 'deadline', delaysMs: [] });
});

test('an attempt that ends after the deadline is followed by none, and the deadline is what the call ends with', async () => {
  const clock = testClock();
  const error = unavailable();
  // The thread was busy, so the timer of the deadline could not fire in time.
  const fn = vi.fn(() => {
    vi.spyOn(clock, 'monotonicMs').mockReturnValue(500);
    throw error;
  });
  const ended = await retry(fn, { deadline: 300, backoff: constant(0), clock }).catch((reason: unknown) => reason);
  expect(ended).toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED', deadlineMs: 300, elapsedMs: 500, cause: error });
  expect(fn).toHaveBeenCalledTimes(1);
});

test('a timer that fires too late does not let an attempt begin after the deadline', async () => {
  const clock = testClock();
  const budget = retryPolicy({ clock }).budget;
  const error = unavailable();
  const fn = vi.fn(() => Promise.reject(error));
  const ended = retry(fn, { deadline: 300, backoff: constant(200), clock, budget }).catch((reason: unknown) => reason);
  await clock.settle();
  vi.spyOn(clock, 'monotonicMs').mockReturnValue(400);
  await clock.advance(300);
  expect(await ended).toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED', cause: error });
  expect(fn).toHaveBeenCalledTimes(1);
  expect(budget?.snapshot().granted).toBe(0);
});

test('a deadline of 0 makes no attempt', async () => {
  const fn = vi.fn();
  const ended = await retry(fn, { deadline: 0 }).catch((reason: unknown) => reason);
  expect(ended).toBeInstanceOf(DeadlineExceededError);
  expect(ended).not.toHaveProperty('cause');
  expect(retryReport(ended)).toMatchObject({ attempts: 0, reason: 'deadline' });
  expect(fn).not.toHaveBeenCalled();
});

test("the signal's deadline is inherited: waits, remainingMs and nested calls all keep to it", async () => {
  const clock = testClock();
  using outer = withDeadline(undefined, 1000, { clock });
  const left: number[] = [];
  const error = unavailable();
  const nested = retry(
    (attempt) => {
      left.push(attempt.remainingMs);
      return retry(
        (inner) => {
          left.push(inner.remainingMs, remainingMs(inner.signal));
          throw error;
        },
        { backoff: constant(400), deadline: '1h', signal: attempt.signal, clock },
      );
    },
    { backoff: constant(100), attemptTimeout: 900, deadline: '1h', signal: outer, clock },
  );
  let endedMs = 0;
  const rejected = expect(nested.finally(() => (endedMs = clock.monotonicMs()))).rejects.toBe(error);
  await clock.runAll();
  await rejected;
  // From 0 on: inner attempts at 0, 400 and 800 ms; the one at 1200 is not slept for. From 900 on: one, and no time left.
  expect(left).toEqual([900, 900, 900, 500, 500, 100, 100, 100, 100, 100]);
  expect([endedMs, retryReport(error)?.reason]).toEqual([900, 'deadline']);
});

test('the time is up on the inherited deadline: rejects with the reason of the signal, told as a deadline', async () => {
  const clock = testClock();
  using signal = withDeadline(undefined, 200, { clock });
  const call = retry(hang, { signal, clock }).catch((error: unknown) => error);
  await clock.advance(200);
  const error = await call;
  expect(error).toBe(signal.reason);
  expect(retryReport(error)).toMatchObject({ reason: 'deadline', attempts: 1 });
});

test('the deadline rides on the signal of an attempt, the shorter of time-out and deadline', async () => {
  const clock = testClock();
  const seen: unknown[] = [];
  const look = ({ signal, remainingMs: left }: { signal: AbortSignal; remainingMs: number }): number =>
    seen.push(left, deadlineOf(signal)?.dueMs);
  await retry(look, { attemptTimeout: 200, deadline: 500, clock });
  await retry(look, { attemptTimeout: 900, deadline: 500, clock });
  using outer = withDeadline(undefined, 100, { clock });
  await retry(look, { attemptTimeout: 900, signal: outer, clock });
  await retry(look, { signal: outer, clock });
  expect(seen).toEqual([200, 200, 500, 500, 100, 100, 100, 100]);
});

test('an abort before the call, during an attempt or during a wait rejects with the reason, whatever that is', async () => {
  for (const reason of [new Error('the user left'), 'text', 0, null, new DOMException('', 'AbortError')]) {
    for (const abortAt of [0, 50, 150]) {
      const clock = testClock();
      const caller = new AbortController();
      const fn = vi.fn(({ number }: { readonly number: number }) => (number === 1 ? timeout(clock, 100) : hang()));
      if (abortAt === 0) caller.abort(reason);
      const call = retry(fn, { backoff: constant(100), retryable: () => true, signal: caller.signal, clock });
      const rejected = expect(call).rejects.toBe(reason);
      await clock.advance(abortAt);
      caller.abort(reason);
      await rejected;
      expect(fn).toHaveBeenCalledTimes(abortAt === 0 ? 0 : 1);
      expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
      await clock.runAll();
      expect(fn).toHaveBeenCalledTimes(abortAt === 0 ? 0 : 1);
    }
  }
});

function timeout(clock: ReturnType<typeof testClock>, ms: number): Promise<never> {
  return new Promise((_, reject) => clock.setTimer(ms, () => reject(unavailable())));
}

test('an abort by the predicate, the backoff or the observer of the call itself is heeded at once', async () => {
  for (const culprit of ['retryable', 'backoff', 'retry.scheduled', 'retry.attempt-started'] as const) {
    const clock = testClock();
    const caller = new AbortController();
    const budget = retryBudget({ clock });
    const abortIf = (name: string): void => (name === culprit ? caller.abort('left') : undefined);
    const fn = vi.fn(() => Promise.reject(unavailable()));
    const call = retry(fn, {
      retryable: () => (abortIf('retryable'), true),
      backoff: { delayMs: () => (abortIf('backoff'), 3_600_000) },
      observer: ({ type }) => abortIf(type),
      signal: caller.signal,
      budget,
      clock,
    });
    await expect(call).rejects.toBe('left');
    expect(fn).toHaveBeenCalledTimes(culprit === 'retry.attempt-started' ? 0 : 1);
    expect([clock.monotonicMs(), clock.pendingTimers, budget.snapshot().tokens]).toEqual([0, 0, 10]);
  }
});

test('an abort while the event loop has its turn between two retries gives the retry back once', async () => {
  const caller = new AbortController();
  const budget = retryBudget({ minPerSecond: 100, clock: testClock() });
  const giveBack = vi.spyOn(budget, 'giveBack');
  const fn = vi.fn(() => Promise.reject(unavailable()));
  const options = { backoff: constant(0), maxAttempts: 100, budget, signal: caller.signal, clock: testClock() };
  const call = retry(fn, options);
  const rejected = expect(call).rejects.toBe('left');
  while (fn.mock.calls.length < 16) await Promise.resolve();
  for (let tick = 0; tick < 10; tick++) await Promise.resolve();
  caller.abort('left');
  await rejected;
  await new Promise((resolve) => setImmediate(resolve));
  expect([fn.mock.calls.length, giveBack.mock.calls.length]).toEqual([16, 1]);
});

test('an abort is reported as an abort, with what had failed before it', async () => {
  const clock = testClock();
  const caller = new AbortController();
  const error = unavailable();
  const call = retry(() => Promise.reject(error), { backoff: constant('1h'), signal: caller.signal, clock });
  const rejected = expect(call).rejects.toThrow('left');
  await clock.advance(10);
  const reason = new Error('left');
  caller.abort(reason);
  await rejected;
  expect(retryReport(reason)).toEqual({
    attempts: 1,
    elapsedMs: 10,
    reason: 'aborted',
    delaysMs: [3_600_000],
    errors: [error],
  });
});

test('on the real clock, an abort during a sleep of an hour ends it before the event loop has turned', async () => {
  const caller = new AbortController();
  const fn = vi.fn(() => Promise.reject(unavailable()));
  const call = retry(fn, { backoff: constant('1h'), signal: caller.signal });
  let ended: unknown;
  const settled = call.catch((reason: unknown) => (ended = reason));
  await new Promise((resolve) => setTimeout(resolve, 5));
  let turned = false;
  setImmediate(() => (turned = true));
  caller.abort('now');
  await settled;
  expect([ended, turned, fn.mock.calls.length]).toEqual(['now', false, 1]);
});

test("a cancelled parent cancels every child: the attempt's signal aborts with the caller's reason", async () => {
  const clock = testClock();
  const caller = new AbortController();
  const signals: AbortSignal[] = [];
  const policy = compose(retryPolicy({ attemptTimeout: '1s', clock }), retryPolicy({ attemptTimeout: '2s', clock }));
  const call = policy.execute((inner) => (signals.push(inner.signal), heed(inner)), { signal: caller.signal });
  const rejected = expect(call).rejects.toBe('stop');
  caller.abort('stop');
  await rejected;
  expect(signals.map(({ reason }) => reason as unknown)).toEqual(['stop']);
  expect(clock.pendingTimers).toBe(0);
});

test('a signal that is asked for after the attempt was timed out has aborted', async () => {
  const clock = testClock();
  let kept: { readonly signal: AbortSignal } | undefined;
  const call = retry((attempt) => ((kept = attempt), hang()), { attemptTimeout: 100, maxAttempts: 1, clock });
  const rejected = expect(call).rejects.toBeInstanceOf(DeadlineExceededError);
  await clock.runAll();
  await rejected;
  expect(kept?.signal.aborted).toBe(true);
});

test('any number of calls on one signal put one listener on it and set one timer, and neither is left behind', async () => {
  const clock = testClock();
  const caller = new AbortController();
  let failed = 0;
  const flaky = async ({ number }: { readonly number: number }): Promise<void> => {
    if (number === 1) throw (failed++, unavailable());
  };
  const calls = Array.from({ length: 1000 }, () =>
    retry(flaky, { attemptTimeout: '1s', backoff: constant(100), signal: caller.signal, clock }),
  );
  await clock.settle();
  expect([failed, getEventListeners(caller.signal, 'abort').length, clock.pendingTimers]).toEqual([1000, 1, 1]);
  await clock.runAll();
  await Promise.all(calls);
  expect([getEventListeners(caller.signal, 'abort').length, clock.pendingTimers]).toEqual([0, 0]);
});
