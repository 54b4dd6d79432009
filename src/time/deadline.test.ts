import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { deadlineOf, remainingMs, withDeadline } from './deadline.ts';
import { DeadlineExceededError } from './deadline-exceeded-error.ts';

test('aborts when the time is up, with how long it was and took, and leaves no timer', async () => {
  const clock = testClock();
  const signal = withDeadline(undefined, '2s', { clock });
  await clock.advance(1999);
  expect(signal.aborted).toBe(false);
  expect(remainingMs(signal)).toBe(1);
  await clock.advance(1);
  expect(signal.reason).toBeInstanceOf(DeadlineExceededError);
  expect(signal.reason).toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED', deadlineMs: 2000, elapsedMs: 2000 });
  expect([remainingMs(signal), clock.pendingTimers]).toEqual([0, 0]);
});

test('a child can only shorten: of two deadlines the earlier counts, however they are nested', async () => {
  const clock = testClock();
  using parent = withDeadline(undefined, 1000, { clock });
  using longer = withDeadline(parent, 5000, { clock });
  using shorter = withDeadline(parent, 300, { clock });
  expect([remainingMs(longer), remainingMs(shorter)]).toEqual([1000, 300]);
  expect(deadlineOf(longer)).toBe(deadlineOf(parent));
  await clock.advance(300);
  expect([parent.aborted, longer.aborted, shorter.aborted]).toEqual([false, false, true]);
  await clock.advance(700);
  expect(longer.reason).toBe(parent.reason);
  expect(clock.pendingTimers).toBe(0);
});

test('a cancelled parent cancels the child with its own reason: told from a time-out by the reason', async () => {
  const clock = testClock();
  const caller = new AbortController();
  const child = withDeadline(caller.signal, 1000, { clock });
  const grandchild = withDeadline(child, 500, { clock });
  const reason = new Error('the user left');
  caller.abort(reason);
  expect([child.reason, grandchild.reason]).toEqual([reason, reason]);
  expect(clock.pendingTimers).toBe(0);
  const late = withDeadline(caller.signal, 1000, { clock });
  expect(late.reason).toBe(reason);
  expect(clock.pendingTimers).toBe(0);
});

test('no time at all gives a signal that has aborted already', () => {
  const clock = testClock();
  const signal = withDeadline(undefined, 0, { clock });
  expect(signal.reason).toMatchObject({ deadlineMs: 0, elapsedMs: 0 });
  expect(clock.pendingTimers).toBe(0);
});

test('disposal takes back the timer and the listener, twice is safe, and the signal stays quiet', async () => {
  const clock = testClock();
  const caller = new AbortController();
  const signal = withDeadline(caller.signal, 1000, { clock });
  await clock.settle();
  expect([clock.pendingTimers, getEventListeners(caller.signal, 'abort').length]).toEqual([1, 1]);
  signal[Symbol.dispose]();
  signal[Symbol.dispose]();
  expect([clock.pendingTimers, getEventListeners(caller.signal, 'abort').length]).toEqual([0, 0]);
  await clock.advance(2000);
  expect(signal.aborted).toBe(false);
});

test('deadlines on different clocks are compared by the time they leave', () => {
  const early = testClock();
  const late = testClock();
  using parent = withDeadline(undefined, 1000, { clock: early });
  using child = withDeadline(parent, 5000, { clock: late });
  expect(deadlineOf(child)?.clock).toBe(early);
});

test('a duration is checked at once', () => {
  expect(() => withDeadline(undefined, 'soon' as never)).toThrow(TypeError);
  expect(() => withDeadline(undefined, Infinity)).toThrow(RangeError);
});
