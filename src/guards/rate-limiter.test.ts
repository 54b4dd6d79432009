import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { compose } from '../policy/compose.ts';
import { recordingObserver } from '../testing/recording-observer.ts';
import { testClock } from '../testing/test-clock.ts';
import { withDeadline } from '../time/deadline.ts';
import { bulkhead } from './bulkhead.ts';
import type { QueueEvent } from './guard-events.ts';
import { type RateLimiter, rateLimiter } from './rate-limiter.ts';

function enterAll(limiter: RateLimiter): number {
  let entered = 0;
  while (limiter.tryEnter() >= 0) entered += 1;
  return entered;
}

test('lets a burst through, then one call each interval, and no more after any quiet time', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 5, per: '1s', burst: 3, clock });
  expect(enterAll(limiter)).toBe(3);
  await clock.advance(199);
  expect(enterAll(limiter)).toBe(0);
  await clock.advance(1);
  expect(enterAll(limiter)).toBe(1);
  await clock.advance(3_600_000);
  expect(enterAll(limiter)).toBe(3);
});

test('refuses at once, and tells exactly when to come back', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ name: 'search', limit: 3, per: '1s', burst: 1, clock });
  limiter.tryEnter();
  await clock.advance(100);
  const fn = vi.fn();
  const refusal = (await limiter.execute(fn).catch((error: unknown) => error)) as { readonly retryAfterMs: number };
  expect(refusal).toMatchObject({
    code: 'MAKEGOOD_RATE_LIMITED',
    message: 'rate limiter "search" is at its limit of 3 in 1000 ms; next call in 234 ms',
    guard: 'search',
  });
  expect(fn).not.toHaveBeenCalled();
  await clock.advance(refusal.retryAfterMs);
  expect(limiter.tryEnter()).toBe(0);
});

test('thirds of a second do not drift: an hour at the limit is an hour at the limit', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 3, per: '1s', burst: 1, clock });
  let entered = 0;
  for (let second = 0; second < 3600; second++) {
    for (const stepMs of [0, 1000 / 3, 1000 / 3]) {
      if (stepMs > 0) await clock.advance(stepMs);
      if (limiter.tryEnter() >= 0) entered += 1;
    }
    await clock.advance(1000 - (2 * 1000) / 3);
  }
  expect(entered).toBe(3 * 3600);
});

test('those who wait are admitted in order, each at its time, and a newcomer does not overtake them', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 10, per: '1s', burst: 1, maxQueue: 3, clock });
  const at: [number, number][] = [];
  for (const number of [0, 1, 2, 3]) void limiter.execute(() => at.push([number, clock.monotonicMs()]));
  await expect(limiter.execute(() => 1)).rejects.toMatchObject({ retryAfterMs: 400 });
  expect(limiter.tryEnter()).toBe(-1);
  await clock.advance(1000);
  expect(at).toEqual([
    [0, 0],
    [1, 100],
    [2, 200],
    [3, 300],
  ]);
  expect([clock.pendingTimers, limiter.snapshot().queued]).toEqual([0, 0]);
});

test('nobody overtakes those who wait, not even while their timer is late', async () => {
  let nowMs = 0;
  const timers = testClock();
  const limiter = rateLimiter({ limit: 1, per: '1s', maxQueue: 2, clock: { ...timers, monotonicMs: () => nowMs } });
  limiter.tryEnter();
  const order: string[] = [];
  const calls = [limiter.execute(() => order.push('first'))];
  nowMs = 1500;
  expect(limiter.tryEnter()).toBe(-1);
  calls.push(limiter.execute(() => order.push('second')));
  await timers.settle();
  expect(order).toEqual([]);
  await timers.advance(1000);
  nowMs = 2500;
  await timers.advance(1000);
  await Promise.all(calls);
  expect(order).toEqual(['first', 'second']);
});

test('an abort ends the wait at once, those behind move up, and neither timer nor listener is left', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 10, per: '1s', burst: 1, maxQueue: 2, clock });
  limiter.tryEnter();
  const caller = new AbortController();
  const leaving = limiter.execute(() => 1, { signal: caller.signal });
  let admittedAt: number | undefined;
  void limiter.execute(() => (admittedAt = clock.monotonicMs()));
  caller.abort('left');
  await expect(leaving).rejects.toBe('left');
  await clock.advance(100);
  expect(admittedAt).toBe(100);
  const other = new AbortController();
  const last = limiter.execute(() => 1, { signal: other.signal });
  expect(clock.pendingTimers).toBe(1);
  other.abort('left too');
  await expect(last).rejects.toBe('left too');
  expect([clock.pendingTimers, getEventListeners(other.signal, 'abort').length]).toEqual([0, 0]);
});

test('a call whose deadline comes before its turn is refused at once instead of waiting in vain', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 1, per: '1s', maxQueue: 10, clock });
  limiter.tryEnter();
  using short = withDeadline(undefined, 900, { clock });
  using long = withDeadline(undefined, 1100, { clock });
  await expect(limiter.execute(() => 1, { signal: short })).rejects.toMatchObject({ code: 'MAKEGOOD_RATE_LIMITED' });
  const call = limiter.execute(() => 'made', { signal: long });
  await clock.advance(1000);
  expect(await call).toBe('made');
});

test('a deadline that passes while a call waits behind others ends its wait', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 1, per: '1s', maxQueue: 10, clock });
  limiter.tryEnter();
  using signal = withDeadline(undefined, 2500, { clock });
  const calls = [1, 2].map(() => limiter.execute(() => clock.monotonicMs(), { signal }));
  const refused = limiter.execute(() => 1, { signal });
  await expect(refused).rejects.toMatchObject({ code: 'MAKEGOOD_RATE_LIMITED', retryAfterMs: 3000 });
  await clock.advance(3000);
  expect(await Promise.all(calls)).toEqual([1000, 2000]);
});

test('a call that was not made after all gives its token back, and whoever waits may come sooner', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 1, per: '1s', burst: 1, maxQueue: 1, clock });
  const full = bulkhead({ maxConcurrent: 1 });
  const ticket = full.tryEnter();
  await expect(compose(limiter, full).execute(() => 1)).rejects.toMatchObject({ code: 'MAKEGOOD_BULKHEAD_FULL' });
  expect(limiter.snapshot().available).toBe(1);
  full.leave(ticket, 'success');
  const entered = limiter.tryEnter();
  let admittedAt: number | undefined;
  void limiter.execute(() => (admittedAt = clock.monotonicMs()));
  await clock.advance(300);
  limiter.leave(entered, 'unused');
  await clock.advance(0);
  await clock.advance(1);
  expect(admittedAt).toBeLessThanOrEqual(301);
  expect(clock.pendingTimers).toBe(0);
});

test('foresees a refusal only while neither a token nor a place in the line will be free', async () => {
  const clock = testClock();
  const limiter = rateLimiter({ limit: 1, per: '1s', clock });
  expect(limiter.wouldRefuse(0)).toBe(false);
  limiter.tryEnter();
  expect([limiter.wouldRefuse(999), limiter.wouldRefuse(1000)]).toEqual([true, false]);
  const queueing = rateLimiter({ limit: 1, per: '1s', maxQueue: 1, clock });
  queueing.tryEnter();
  expect(queueing.wouldRefuse(0)).toBe(false);
});

test('the observer is told who waits and who is refused, and the snapshot how it stands', async () => {
  const clock = testClock();
  const observer = recordingObserver<QueueEvent>();
  const limiter = rateLimiter({ limit: 2, per: '1s', maxQueue: 1, observer, clock });
  expect(limiter.snapshot()).toEqual({ available: 2, queued: 0, nextMs: 0 });
  for (let call = 0; call < 4; call++) void limiter.execute(() => 1).catch(() => undefined);
  expect(limiter.snapshot()).toEqual({ available: 0, queued: 1, nextMs: 1000 });
  expect(observer.events.map(({ type }) => type)).toEqual(['guard.queued', 'guard.refused']);
  await clock.runAll();
});

test('options are checked at once, and the error tells what was expected and got', () => {
  expect(() => rateLimiter({ limit: 0 })).toThrow(new RangeError('Expected limit to be an integer ≥ 1, got 0'));
  expect(() => rateLimiter({ limit: 1, per: 0 })).toThrow(new RangeError('Expected per to be more than 0 ms, got 0'));
  expect(() => rateLimiter({ limit: 1, burst: 0 })).toThrow(RangeError);
  expect(() => rateLimiter({ limit: 1, maxQueue: -1 })).toThrow(RangeError);
  expect(() => rateLimiter({ limit: 1, clock: { now: () => 0 } as never })).toThrow(
    new TypeError('Expected clock to be a Clock, got object'),
  );
});
