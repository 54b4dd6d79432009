import { expect, test } from 'vitest';
import { recordingObserver } from '../testing/recording-observer.ts';
import { testClock } from '../testing/test-clock.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { CounterEvent } from './guard-events.ts';
import { retryCounter } from './retry-counter.ts';

const fail = (): Promise<never> => Promise.reject(new Error('503'));

test('counts failures up to its threshold, tells the one who reached it, and never goes beyond', () => {
  const observer = recordingObserver<CounterEvent>();
  const counter = retryCounter({ name: 'payments', threshold: 3, observer });
  expect([1, 2, 3, 4, 5].map(() => counter.raise())).toEqual([false, false, true, false, false]);
  expect([counter.count, counter.isTripped]).toEqual([3, true]);
  expect(observer.events).toEqual([{ type: 'counter.tripped', name: 'payments', threshold: 3 }]);
});

test('a success sets it back, but not from the threshold: that call may have begun long before', () => {
  const counter = retryCounter({ threshold: 2 });
  counter.raise();
  counter.settle();
  expect(counter.count).toBe(0);
  counter.raise();
  counter.raise();
  counter.settle();
  expect(counter.isTripped).toBe(true);
  counter.reset();
  expect(counter.count).toBe(0);
});

test('as a policy of its own it is a latch: it refuses until somebody resets it', async () => {
  const counter = retryCounter({ name: 'import', threshold: 2 });
  for (let call = 0; call < 2; call++) await counter.execute(fail).catch(() => undefined);
  await expect(counter.execute(() => 1)).rejects.toMatchObject({
    code: 'MAKEGOOD_COUNTER_TRIPPED',
    message: 'retry counter "import" has reached 2 failures; reset() lets calls in again',
    threshold: 2,
  });
  expect(counter.wouldRefuse(1e9)).toBe(true);
  counter.reset();
  expect(await counter.execute(() => 1)).toBe(1);
  await counter.execute(fail).catch(() => undefined);
  await counter.execute(() => 1);
  expect(counter.count).toBe(0);
});

test('aborts and refusals are not counted', () => {
  const counter = retryCounter({ threshold: 1 });
  counter.leave(counter.tryEnter(), 'abort');
  counter.leave(counter.tryEnter(), 'unused');
  expect(counter.count).toBe(0);
});

test('it is the rule of a breaker, which resets it when its probes are good', async () => {
  const clock = testClock();
  const counter = retryCounter({ name: 'payments', threshold: 2 });
  const breaker = circuitBreaker({ trip: counter, clock });
  breaker.leave(breaker.tryEnter(), 'failure');
  breaker.leave(breaker.tryEnter(), 'success');
  for (let call = 0; call < 2; call++) breaker.leave(breaker.tryEnter(), 'failure');
  expect([breaker.state, counter.count]).toEqual(['open', 2]);
  expect(breaker.refusal()).toMatchObject({ failures: 2 });
  expect(breaker.refusal().message).toContain('after 2 failures on counter "payments"');
  await clock.advance(10_000);
  breaker.leave(breaker.tryEnter(), 'success');
  expect([breaker.state, counter.count]).toEqual(['closed', 0]);
});

test('two counters on the same memory are one count, and begin with what is in it', () => {
  const shared = new SharedArrayBuffer(8);
  const [here, there] = [retryCounter({ threshold: 3, shared }), retryCounter({ threshold: 3, shared })];
  here.raise();
  there.raise();
  expect(retryCounter({ threshold: 3, shared }).count).toBe(2);
  expect(here.raise()).toBe(true);
  expect(there.isTripped).toBe(true);
});

test('options are checked at once, and the error tells what was expected and got', () => {
  expect(() => retryCounter({ threshold: 0 })).toThrow(
    new RangeError('Expected threshold to be an integer ≥ 1, got 0'),
  );
  expect(() => retryCounter({ threshold: 2 ** 31 })).toThrow(RangeError);
  expect(() => retryCounter({ threshold: 1, shared: new SharedArrayBuffer(2) })).toThrow(TypeError);
  expect(() => retryCounter({ threshold: 1, shared: {} as never })).toThrow(
    new TypeError('Expected shared to be a SharedArrayBuffer of 4 bytes or more'),
  );
});
