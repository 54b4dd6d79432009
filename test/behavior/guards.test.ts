import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import {
  adaptiveThrottle,
  bulkhead,
  circuitBreaker,
  consecutiveFailures,
  coordinatedGuard,
  rateLimiter,
  retryCounter,
} from '../../src/guards/index.ts';
import { compose } from '../../src/policy/index.ts';
import { isTransient } from '../../src/predicate/index.ts';
import { retry, retryBudget, retryPolicy, retryReport } from '../../src/retry/index.ts';
import { testClock } from '../../src/testing/index.ts';
import { heed, unavailable } from './retry-world.ts';

const atOnce = { backoff: constant(0) };

function ignore(): void {
  // An observer that is there.
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('breaker and retry count the same failures: every attempt that fails, once, and no other', async () => {
  const clock = testClock();
  const breaker = circuitBreaker({ trip: consecutiveFailures(100), isFailure: isTransient, clock });
  const failed = vi.fn();
  const observer = (event: { readonly type: string; readonly outcome?: string }): void => {
    if (event.type === 'retry.attempt-ended' && event.outcome === 'failure') failed();
  };
  const options = { ...atOnce, maxAttempts: 4, guards: [breaker], clock, observer };
  await retry(() => Promise.reject(unavailable()), options).catch(() => undefined);
  expect([failed.mock.calls.length, breaker.snapshot().failures]).toEqual([4, 4]);
  // An attempt that is timed out is a failure for both.
  const late = retry(heed, { ...options, attemptTimeout: 100, maxAttempts: 2 }).catch(() => undefined);
  await clock.runAll();
  await late;
  expect([failed.mock.calls.length, breaker.snapshot().failures]).toEqual([6, 6]);
  // A call that its caller leaves is a failure for neither.
  const caller = new AbortController();
  const left = retry(heed, { ...options, signal: caller.signal }).catch(() => undefined);
  await clock.settle();
  caller.abort('left');
  await left;
  expect([failed.mock.calls.length, breaker.snapshot().failures]).toEqual([6, 6]);
});

test('compose(retry, breaker) and retry with guards open the breaker after the same attempt', async () => {
  for (const compositions of ['guards', 'compose'] as const) {
    const breaker = circuitBreaker({ trip: consecutiveFailures(3) });
    const options = { ...atOnce, maxAttempts: 10, budget: false } as const;
    const policy =
      compositions === 'guards'
        ? retryPolicy({ ...options, guards: [breaker] })
        : compose(retryPolicy(options), breaker);
    const fn = vi.fn(() => Promise.reject(unavailable()));
    await policy.execute(fn).catch(() => undefined);
    expect([fn.mock.calls.length, breaker.state]).toEqual([3, 'open']);
  }
});

test('a breaker outside of retry sees a call once, however many attempts it took', async () => {
  const breaker = circuitBreaker();
  const policy = compose(breaker, retryPolicy({ ...atOnce, maxAttempts: 4 }));
  await policy.execute(() => Promise.reject(unavailable())).catch(() => undefined);
  expect(breaker.snapshot().failures).toBe(1);
});

test('while the coordinated guard is open no retries are made, and calls end at once', async () => {
  const clock = testClock();
  const guard = coordinatedGuard({
    counter: retryCounter({ threshold: 5 }),
    breaker: circuitBreaker({ name: 'payments', clock }),
    limiter: rateLimiter({ limit: 1000, clock }),
  });
  const fn = vi.fn(() => Promise.reject(unavailable()));
  const policy = retryPolicy({ ...atOnce, maxAttempts: 4, guards: [guard], budget: false, clock });
  const reasons: unknown[] = [];
  for (let call = 0; call < 20; call++) {
    const error: unknown = await policy.execute(fn).catch((caught: unknown) => caught);
    reasons.push(retryReport(error)?.reason);
  }
  expect(fn).toHaveBeenCalledTimes(5);
  expect(reasons.slice(1)).toEqual(Array.from({ length: 19 }, () => 'guard-open'));
  await clock.advance(10_000);
  expect(await policy.execute(() => 'paid')).toBe('paid');
  expect(guard.snapshot()).toMatchObject({ state: 'closed', count: 0 });
});

test('a retry that the open breaker would refuse is neither slept for nor charged to the budget', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  const breaker = circuitBreaker({ trip: consecutiveFailures(1), openFor: '1m', clock });
  const call = retry(() => Promise.reject(unavailable()), {
    backoff: constant('30s'),
    guards: [breaker],
    budget,
    clock,
  }).catch(retryReport);
  await clock.settle();
  expect(clock.pendingTimers).toBe(0);
  expect(await call).toMatchObject({ attempts: 1, reason: 'guard-open' });
  expect(budget.snapshot()).toMatchObject({ granted: 0, tokens: 10 });
});

test('one call’s time-out aborts that call only, and is one failure for the breaker', async () => {
  const clock = testClock();
  const breaker = circuitBreaker({ clock });
  const policy = retryPolicy({ attemptTimeout: 100, maxAttempts: 1, guards: [breaker], clock });
  const hanging = policy.execute(heed).catch((error: { readonly code: string }) => error.code);
  const other = policy.execute(() => new Promise((resolve) => clock.setTimer(50, () => resolve('made'))));
  await clock.advance(100);
  expect(await Promise.all([hanging, other])).toEqual(['MAKEGOOD_DEADLINE_EXCEEDED', 'made']);
  // The other ended first, so the time-out is the one failure since.
  expect(breaker.snapshot().failures).toBe(1);
});

test('all guards together are one, and after calls of every ending nothing is held', async () => {
  const clock = testClock();
  const breaker = circuitBreaker({ trip: consecutiveFailures(1000), clock });
  const rooms = bulkhead({ maxConcurrent: 3, maxQueue: 5 });
  const limiter = rateLimiter({ limit: 1000, maxQueue: 5, clock });
  const counter = retryCounter({ threshold: 1000 });
  const all = compose(limiter, adaptiveThrottle({ clock, k: 1000 }), rooms, counter, breaker);
  const caller = new AbortController();
  const ends = [
    () => 'value',
    () => Promise.reject(unavailable()),
    () =>
      ((): never => {
        throw new Error('at once');
      })(),
    heed,
  ];
  const calls = Array.from({ length: 20 }, (_, number) =>
    all.execute(ends[number % ends.length] as (typeof ends)[number], { signal: caller.signal }).catch(String),
  );
  await clock.settle();
  caller.abort('left');
  await Promise.all(calls);
  await clock.runAll();
  expect(rooms.snapshot()).toMatchObject({ running: 0, queued: 0 });
  expect([limiter.snapshot().queued, clock.pendingTimers, breaker.snapshot().probesInFlight]).toEqual([0, 0, 0]);
  expect(await all.execute(() => 'in')).toBe('in');
});

test('an idle breaker costs less than 500 bytes', () => {
  const breakers = Array.from({ length: 1000 }, () => circuitBreaker({ name: 'payments', observer: ignore }));
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let more = 0; more < 20_000; more++) breakers.push(circuitBreaker({ name: 'payments', observer: ignore }));
  collectGarbage();
  expect((process.memoryUsage().heapUsed - before) / 20_000).toBeLessThan(500);
  expect(breakers).toHaveLength(21_000);
});
