import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { remainingMs, withDeadline } from './deadline.ts';
import { joinSignals } from './join-signals.ts';
import { sleep } from './sleep.ts';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('aborts with the first to abort and its reason untouched, and lets go of the others', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const joined = joinSignals(first.signal, undefined, second.signal);
  second.abort('stop');
  expect(joined.reason).toBe('stop');
  expect([listeners(first.signal), listeners(second.signal)]).toEqual([0, 0]);
  first.abort('too late');
  expect(joined.reason).toBe('stop');
});

test('joined to one that has aborted, it has aborted too; joined to none, it never does', () => {
  const quiet = new AbortController();
  expect(joinSignals(quiet.signal, AbortSignal.abort('gone')).reason).toBe('gone');
  expect(listeners(quiet.signal)).toBe(0);
  expect(joinSignals().aborted).toBe(false);
});

test('the earliest deadline rides along', () => {
  const clock = testClock();
  using long = withDeadline(undefined, 900, { clock });
  using short = withDeadline(undefined, 200, { clock });
  using joined = joinSignals(long, short, new AbortController().signal);
  expect(remainingMs(joined)).toBe(200);
  expect(remainingMs(joinSignals(new AbortController().signal))).toBe(Infinity);
});

test('any number of waiters puts one listener on a signal, and the last takes it away', () => {
  const caller = new AbortController();
  const joined = Array.from({ length: 1000 }, () => joinSignals(caller.signal));
  const deadlines = Array.from({ length: 1000 }, () => withDeadline(caller.signal, 50));
  expect(listeners(caller.signal)).toBe(1);
  for (const signal of [...joined, ...deadlines]) signal[Symbol.dispose]();
  expect(listeners(caller.signal)).toBe(0);
});

test('an abort tells all waiters once, also when one of them disposes of others meanwhile', async () => {
  const caller = new AbortController();
  const [first, second, third] = [1, 2, 3].map(() => joinSignals(caller.signal));
  first?.addEventListener('abort', () => second?.[Symbol.dispose]());
  caller.abort('stop');
  expect([first?.aborted, second?.aborted, third?.aborted]).toEqual([true, false, true]);
  expect(listeners(caller.signal)).toBe(0);
  await expect(sleep(10, { signal: caller.signal })).rejects.toBe('stop');
});
