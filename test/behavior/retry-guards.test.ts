import { expect, test, vi } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { MakegoodError } from '../../src/errors.ts';
import { callOf, compose, type Policy, wrapWith } from '../../src/policy/index.ts';
import { retry, retryBudget, type RetryEvent, retryPolicy, retryReport } from '../../src/retry/index.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { withDeadline } from '../../src/time/index.ts';
import { hang, heed, unavailable } from './retry-world.ts';

const atOnce = { backoff: constant(0) };

function throwing(): never {
  throw new Error('bug in an observer');
}

function guardOf(execute: Policy['execute']): Policy {
  const guard: Policy = { execute, wrap: (fn) => wrapWith(guard, fn) };
  return guard;
}

test('a policy owns a budget: after ten retries the next failure is final, with its own error', async () => {
  const clock = testClock();
  const policy = retryPolicy({ ...atOnce, maxAttempts: 2, clock });
  const error = unavailable();
  const fn = vi.fn(() => Promise.reject(error));
  for (let call = 0; call < 11; call++) await expect(policy.execute(fn)).rejects.toBe(error);
  // Ten retries were in the bucket; the calls paid for an eleventh: 0.1 each, the first of which found it full.
  expect(fn).toHaveBeenCalledTimes(11 + 11);
  await expect(policy.execute(fn)).rejects.toBe(error);
  expect(fn).toHaveBeenCalledTimes(23);
  expect(retryReport(error)).toMatchObject({ attempts: 1, reason: 'budget-empty', delaysMs: [] });
});

test('a budget that was emptied recovers with time', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  while (budget.withdraw());
  let calls = 0;
  const fn = (): string => {
    if (++calls % 2 === 1) throw unavailable();
    return 'made good';
  };
  await expect(retry(fn, { ...atOnce, budget, clock })).rejects.toThrow('503');
  await clock.advance(1000);
  calls = 0;
  expect(await retry(fn, { ...atOnce, budget, clock })).toBe('made good');
});

test('a retry is reserved before its wait, so that callers who wait do not overdraw', async () => {
  const clock = testClock();
  const budget = retryBudget({ ratio: 0, clock });
  const fn = vi.fn(() => Promise.reject(unavailable()));
  const options = { backoff: constant('1s'), maxAttempts: 2, budget, clock };
  const calls = Array.from({ length: 50 }, () =>
    retry(fn, options).catch((error: unknown) => retryReport(error)?.reason),
  );
  await clock.settle();
  expect(budget.snapshot()).toMatchObject({ tokens: 0, granted: 10 });
  expect(fn).toHaveBeenCalledTimes(50);
  await clock.runAll();
  expect(fn).toHaveBeenCalledTimes(60);
  expect((await Promise.all(calls)).filter((reason) => reason === 'budget-empty')).toHaveLength(40);
});

test('a retry that an abort prevents is given back', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  const caller = new AbortController();
  const call = retry(() => Promise.reject(unavailable()), {
    backoff: constant('1h'),
    budget,
    clock,
    signal: caller.signal,
  });
  const rejected = expect(call).rejects.toBe('left');
  await clock.settle();
  expect(budget.snapshot().tokens).toBe(9);
  caller.abort('left');
  await rejected;
  expect(budget.snapshot()).toMatchObject({ tokens: 10, granted: 0 });
});

test('without a budget, bare retry and budget: false retry as often as maxAttempts says', async () => {
  const fn = vi.fn(() => Promise.reject(unavailable()));
  const policy = retryPolicy({ ...atOnce, budget: false });
  for (let call = 0; call < 20; call++) await policy.execute(fn).catch(() => undefined);
  for (let call = 0; call < 20; call++) await retry(fn, atOnce).catch(() => undefined);
  expect(fn).toHaveBeenCalledTimes(160);
  expect([policy.budget, retryPolicy().budget?.snapshot().capacity]).toEqual([undefined, 10]);
});

test('retries of three layers do not multiply when they share a budget', async () => {
  const budget = retryBudget({ clock: testClock() });
  const layer = retryPolicy({ ...atOnce, budget });
  const fn = vi.fn(() => Promise.reject(unavailable()));
  await compose(layer, layer, layer)
    .execute(fn)
    .catch(() => undefined);
  expect(fn.mock.calls.length).toBeLessThanOrEqual(11);
});

test('guards run around each attempt, the outermost first, and hand the attempt through', async () => {
  const trace: string[] = [];
  const tracing = (name: string): Policy =>
    guardOf(async (fn, options) => {
      trace.push(name);
      return fn(callOf(options));
    });
  const numbers: number[] = [];
  await retry(
    ({ number, maxAttempts }) => {
      numbers.push(number, maxAttempts);
      if (number === 1) throw unavailable();
    },
    { ...atOnce, guards: [tracing('outer'), tracing('inner')] },
  );
  expect(trace).toEqual(['outer', 'inner', 'outer', 'inner']);
  expect(numbers).toEqual([1, 4, 2, 4]);
});

test('a guard that narrows the signal is what the function sees, number and time left included', async () => {
  const clock = testClock();
  const narrow = guardOf(async (fn, options) => {
    using signal = withDeadline(callOf(options).signal, 50, { clock });
    return await fn({ signal });
  });
  const seen: unknown[] = [];
  await retry(
    ({ number, maxAttempts, remainingMs, signal }) => seen.push(number, maxAttempts, remainingMs, signal.aborted),
    {
      guards: [narrow],
      attemptTimeout: 200,
      clock,
    },
  );
  expect(seen).toEqual([1, 4, 50, false]);
});

test('a guard that refuses without calling ends the call with its error, though that were retryable', async () => {
  const refusal = new MakegoodError('MAKEGOOD_CIRCUIT_OPEN', 'circuit "payments" is open');
  const fn = vi.fn();
  const guards = [guardOf(() => Promise.reject(refusal))];
  await expect(retry(fn, { ...atOnce, guards, retryable: () => true })).rejects.toBe(refusal);
  expect(fn).not.toHaveBeenCalled();
  expect(retryReport(refusal)).toMatchObject({ attempts: 1, reason: 'guard-open' });
});

test('a retry that a guard refuses is given back to the budget', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  let calls = 0;
  const openAfterOne = guardOf(async (fn, options) => {
    if (calls++ > 0) throw new MakegoodError('MAKEGOOD_CIRCUIT_OPEN', 'open');
    return fn(callOf(options));
  });
  const call = retry(() => Promise.reject(unavailable()), { ...atOnce, guards: [openAfterOne], budget, clock });
  await expect(call).rejects.toThrow('open');
  expect(budget.snapshot()).toMatchObject({ tokens: 10, granted: 0 });
});

test('an attempt that is timed out while a guard has it queue is never made, even when it is admitted later', async () => {
  const clock = testClock();
  const admissions: (() => void)[] = [];
  const queueing = guardOf(async (fn, options) => {
    await new Promise<void>((resolve) => admissions.push(resolve));
    return fn(callOf(options));
  });
  const fn = vi.fn();
  const call = retry(fn, { ...atOnce, guards: [queueing], attemptTimeout: 100, maxAttempts: 2, clock });
  const rejected = expect(call).rejects.toThrow('attempt 2');
  await clock.runAll();
  await rejected;
  for (const admit of admissions) admit();
  await clock.settle();
  expect(admissions).toHaveLength(2);
  expect(fn).not.toHaveBeenCalled();
});

test('a guard may answer itself, without calling', async () => {
  const fallback = guardOf(() => Promise.resolve('from the cache' as never));
  expect(await retry(hang, { guards: [fallback] })).toBe('from the cache');
});

test('the observer sees every attempt, wait and end, in order, under one call number', async () => {
  const clock = testClock();
  const events: RetryEvent[] = [];
  const observer = (event: RetryEvent): unknown => events.push(event);
  const error = unavailable();
  const call = retry(({ number }) => (number === 1 ? Promise.reject(error) : 'page'), {
    backoff: constant(100),
    observer,
    name: 'page',
    clock,
  });
  await clock.runAll();
  await call;
  const { call: id } = events[0] as RetryEvent;
  const facts = { call: id, name: 'page' };
  expect(events).toEqual([
    { ...facts, type: 'retry.attempt-started', attempt: 1, maxAttempts: 4, delayMs: 0 },
    { ...facts, type: 'retry.attempt-ended', attempt: 1, outcome: 'failure', elapsedMs: 0, error },
    { ...facts, type: 'retry.scheduled', attempt: 1, delayMs: 100, error },
    { ...facts, type: 'retry.attempt-started', attempt: 2, maxAttempts: 4, delayMs: 100 },
    { ...facts, type: 'retry.attempt-ended', attempt: 2, outcome: 'success', elapsedMs: 0 },
    { ...facts, type: 'retry.succeeded', attempts: 2, elapsedMs: 100 },
  ]);
  await retry(() => 'next', { observer, clock });
  expect(events.at(-1)?.call).not.toBe(id);
});

test('the observer is told why a call ended, and an abort is told as one, not as a failure', async () => {
  const clock = testClock();
  const ends: unknown[] = [];
  const observer = (event: RetryEvent): void => {
    if (event.type === 'retry.attempt-ended') ends.push([event.outcome]);
    if (event.type === 'retry.ended') ends.push([event.reason, event.error, event.fault]);
  };
  await retry(() => Promise.reject('text'), { observer, clock }).catch(() => undefined);
  const caller = new AbortController();
  const call = retry(heed, { observer, clock, signal: caller.signal }).catch(() => undefined);
  caller.abort('left');
  await call;
  const late = retry(heed, { observer, clock, deadline: 100 }).catch(() => undefined);
  await clock.runAll();
  await late;
  expect(ends).toEqual([
    ['failure'],
    ['not-retryable', 'text', undefined],
    ['abort'],
    ['aborted', 'left', undefined],
    ['failure'],
    ['deadline', expect.objectContaining({ deadlineMs: 100 }), undefined],
  ]);
});

test('an observer that throws does not touch the call', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  expect(
    await retry(({ number }) => (number === 1 ? Promise.reject(unavailable()) : 'page'), {
      ...atOnce,
      observer: throwing,
    }),
  ).toBe('page');
  warn.mockRestore();
});
