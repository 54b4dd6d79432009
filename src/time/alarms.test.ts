import { expect, test, vi } from 'vitest';
import { systemClock } from '../ports/system-clock.ts';
import { testClock } from '../testing/test-clock.ts';
import type { Alarm, AlarmLink } from './alarm-queue.ts';
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

function throwing(): never {
  throw new Error('bug');
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

test('a clock that stands at fractions of a millisecond is not asked again and again', async () => {
  for (let step = 0; step < 200; step++) {
    const clock = testClock();
    const setTimer = vi.spyOn(clock, 'setTimer');
    await clock.advance(step * 1234.567_891_2 + 0.1);
    const dueMs = clock.monotonicMs() + step * 17.3 + 0.7;
    let rungAt = 0;
    alarmsOf(clock).set(new Note(() => (rungAt = clock.monotonicMs())), dueMs);
    await clock.runAll();
    expect(rungAt - dueMs).toBeGreaterThan(-1e-6);
    expect(rungAt - dueMs).toBeLessThan(1);
    expect(setTimer.mock.calls.length).toBeLessThan(6);
  }
});

test('an alarm that throws does not keep those behind it from ringing', async () => {
  const clock = testClock();
  const alarms = alarmsOf(clock);
  const rungAt: number[] = [];
  alarms.set(new Note(throwing), 100);
  for (const dueMs of [100, 100, 40_000]) alarms.set(new Note(() => rungAt.push(clock.monotonicMs())), dueMs);
  await expect(clock.advance(200)).rejects.toThrow('bug');
  await clock.runAll();
  expect(rungAt).toEqual([100, 100, 40_000]);
});

test('on the real clock, never early', async () => {
  for (const delayMs of [1, 3.7, 12]) {
    const dueMs = systemClock.monotonicMs() + delayMs;
    await new Promise<void>((resolve) => alarmsOf(systemClock).set(new Note(resolve), dueMs));
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(dueMs);
  }
});
