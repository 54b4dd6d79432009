import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { sleep } from './sleep.ts';

test('wakes after its time and leaves neither timer nor listener', async () => {
  const clock = testClock();
  const { signal } = new AbortController();
  let awake = 0;
  void sleep('1s', { clock }).then(() => awake++);
  void sleep('1s', { clock, signal }).then(() => awake++);
  await clock.advance(999);
  expect(awake).toBe(0);
  await clock.advance(1);
  expect(awake).toBe(2);
  expect([clock.pendingTimers, getEventListeners(signal, 'abort').length]).toEqual([0, 0]);
});

test('an abort ends it at once with the reason untouched, whatever that is', async () => {
  for (const reason of [new Error('left'), 'text', 0, null]) {
    const clock = testClock();
    const caller = new AbortController();
    const slept = sleep('1h', { clock, signal: caller.signal });
    caller.abort(reason);
    await expect(slept).rejects.toBe(reason);
    expect([clock.pendingTimers, getEventListeners(caller.signal, 'abort').length]).toEqual([0, 0]);
    await expect(sleep(1, { clock, signal: caller.signal })).rejects.toBe(reason);
    expect(clock.pendingTimers).toBe(0);
  }
});

test('sleeps for 2^31 ms and more in full', async () => {
  const clock = testClock();
  let awake = false;
  void sleep(2 ** 31, { clock }).then(() => (awake = true));
  await clock.advance(2 ** 31 - 1);
  expect(awake).toBe(false);
  await clock.advance(1);
  expect(awake).toBe(true);
});

test('no time at all turns the event loop once and sets no timer', async () => {
  const clock = testClock();
  const order: string[] = [];
  const slept = sleep(0, { clock }).then(() => order.push('slept'));
  expect(clock.pendingTimers).toBe(0);
  await Promise.resolve().then(() => order.push('microtask'));
  await slept;
  expect(order).toEqual(['microtask', 'slept']);
});

test('a delay is checked at once', () => {
  expect(() => sleep('1 s')).toThrow(TypeError);
  expect(() => sleep(-1)).toThrow(new RangeError('Expected delay to be finite and 0 ms or more, got -1'));
});
