import { expect, test, vi } from 'vitest';
import { systemClock } from '../ports/system-clock.ts';
import { testClock } from '../testing/test-clock.ts';
import type { Alarm, AlarmLink } from './alarm-wheel.ts';
import { alarmsOf } from './alarms.ts';

class Note implements Alarm {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  readonly ring: () => void;

  constructor(ring: () => void) {
    this.ring = ring;
  }
}

test('any number of alarms on one clock take one timer, and ring each at its own time', async () => {
  const clock = testClock();
  const alarms = alarmsOf(clock);
  expect(alarmsOf(clock)).toBe(alarms);
  const rungAt: number[] = [];
  for (let index = 0; index < 1000; index++) {
    alarms.set(new Note(() => rungAt.push(clock.monotonicMs() - ((index * 7919) % 3000))), (index * 7919) % 3000);
  }
  await clock.settle();
  expect(clock.pendingTimers).toBe(1);
  await clock.runAll();
  // The one at 0 rings with the next tick, for it must not ring within the call that set it.
  expect([rungAt.length, Math.max(...rungAt.slice(1)), clock.pendingTimers]).toEqual([1000, 0, 0]);
});

test('an alarm that is taken back in the same turn has set no timer, and the last one takes the timer with it', async () => {
  const clock = testClock();
  const setTimer = vi.spyOn(clock, 'setTimer');
  const alarms = alarmsOf(clock);
  const ring = vi.fn();
  const note = new Note(ring);
  for (let call = 0; call < 3; call++) {
    alarms.set(note, 100);
    alarms.clear(note);
  }
  await clock.settle();
  expect(setTimer).not.toHaveBeenCalled();
  alarms.set(note, 100);
  await clock.settle();
  expect(clock.pendingTimers).toBe(1);
  alarms.clear(note);
  expect(clock.pendingTimers).toBe(0);
  await clock.runAll();
  expect(ring).not.toHaveBeenCalled();
});

test('an earlier alarm than the one the timer is set for is not late', async () => {
  const clock = testClock();
  const alarms = alarmsOf(clock);
  const rungAt: number[] = [];
  alarms.set(new Note(() => rungAt.push(clock.monotonicMs())), 5000);
  await clock.advance(1000);
  alarms.set(new Note(() => rungAt.push(clock.monotonicMs())), 1250.5);
  await clock.runAll();
  expect(rungAt).toEqual([1251, 5000]);
});

test('on the real clock, never early', async () => {
  for (const delayMs of [1, 3.7, 12]) {
    const dueMs = systemClock.monotonicMs() + delayMs;
    await new Promise<void>((resolve) => alarmsOf(systemClock).set(new Note(resolve), dueMs));
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(dueMs);
  }
});
