import { expect, test } from 'vitest';
import { seededRandom } from '../ports/random.ts';
import { recordingObserver } from '../testing/recording-observer.ts';
import { type TestClock, testClock } from '../testing/test-clock.ts';
import { type AdaptiveThrottle, adaptiveThrottle, type AdaptiveThrottleOptions } from './adaptive-throttle.ts';
import type { ThrottleEvent } from './guard-events.ts';

const error = new Error('503');

/** Seconds of a steady 100 calls a second, of which `accepts` a second find room; returns how many were made each second. */
async function drive(
  throttle: AdaptiveThrottle,
  clock: TestClock,
  seconds: number,
  accepts: number,
): Promise<number[]> {
  const made: number[] = [];
  for (let second = 0; second < seconds; second++) {
    let [admitted, accepted] = [0, 0];
    for (let call = 0; call < 100; call++) {
      const ticket = throttle.tryEnter();
      if (ticket >= 0) {
        admitted += 1;
        const hasRoom = accepted < ((call + 1) * accepts) / 100;
        if (hasRoom) accepted += 1;
        throttle.leave(ticket, hasRoom ? 'success' : 'failure', error);
      }
      if (call % 10 === 9) await clock.advance(100);
    }
    made.push(admitted);
  }
  return made;
}

function make(options: AdaptiveThrottleOptions = {}): {
  readonly throttle: AdaptiveThrottle;
  readonly clock: TestClock;
} {
  const clock = testClock();
  return { throttle: adaptiveThrottle({ clock, random: seededRandom(7), ...options }), clock };
}

test('refuses nobody while the callee accepts what it is sent', async () => {
  const { throttle, clock } = make();
  expect(await drive(throttle, clock, 5, 100)).toEqual([100, 100, 100, 100, 100]);
  expect(throttle.snapshot().rejectionRatio).toBe(0);
});

test('an overloaded callee is sent about k times what it accepts', async () => {
  for (const k of [1.5, 2, 3]) {
    const { throttle, clock } = make({ k });
    const made = (await drive(throttle, clock, 30, 20)).slice(10);
    const mean = made.reduce((sum, calls) => sum + calls, 0) / made.length;
    expect(mean / 20).toBeGreaterThan(k * 0.85);
    expect(mean / 20).toBeLessThan(k * 1.15);
  }
});

test('a callee that is down is sent the floor, and not much more', async () => {
  const { throttle, clock } = make();
  const made = (await drive(throttle, clock, 30, 0)).slice(10);
  const mean = made.reduce((sum, calls) => sum + calls, 0) / made.length;
  expect(mean).toBeGreaterThan(7);
  expect(mean).toBeLessThan(13);
  expect(throttle.snapshot().rejectionRatio).toBeCloseTo(0.9, 6);
});

test('a throttle recovers in seconds, however long the outage was', async () => {
  for (const outageSeconds of [10, 300]) {
    const { throttle, clock } = make();
    await drive(throttle, clock, outageSeconds, 0);
    const made = await drive(throttle, clock, 10, 100);
    expect(made.findIndex((calls) => calls === 100)).toBeLessThanOrEqual(7);
    expect(made.at(-1)).toBe(100);
  }
});

test('what happened an hour ago is forgotten', async () => {
  const { throttle, clock } = make();
  await drive(throttle, clock, 10, 0);
  await clock.advance(3_600_000);
  expect(throttle.snapshot()).toEqual({ requests: 0, accepts: 0, rejectionRatio: 0 });
  expect(throttle.tryEnter()).toBe(0);
});

test('refuses with the share that it refuses, and tells the observer', async () => {
  const observer = recordingObserver<ThrottleEvent>();
  const { throttle } = make({ name: 'search', random: () => 0, observer });
  for (let call = 0; call < 9; call++) throttle.leave(0, 'failure', error);
  await expect(throttle.execute(() => 1)).rejects.toMatchObject({
    code: 'MAKEGOOD_THROTTLED',
    message: 'throttle "search" refuses 90 % of calls, for too few were accepted',
    guard: 'search',
    rejectionRatio: 0.9,
  });
  expect(observer.ofType('guard.refused')).toHaveLength(1);
});

test('aborts, refusals and calls under way count as nothing, answers with an error as accepted', () => {
  const { throttle } = make({ isFailure: (thrown) => thrown === error });
  throttle.leave(throttle.tryEnter(), 'abort', error);
  throttle.leave(throttle.tryEnter(), 'unused');
  throttle.tryEnter();
  expect(throttle.snapshot()).toMatchObject({ requests: 0, accepts: 0 });
  throttle.leave(0, 'failure', new Error('404'));
  throttle.leave(0, 'failure', error);
  expect(throttle.snapshot()).toMatchObject({ requests: 2, accepts: 1 });
});

test('options are checked at once, and the error tells what was expected and got', () => {
  expect(() => adaptiveThrottle({ k: 0.5 })).toThrow(new RangeError('Expected k to be a finite number ≥ 1, got 0.5'));
  expect(() => adaptiveThrottle({ k: Number.NaN })).toThrow(RangeError);
  expect(() => adaptiveThrottle({ floor: 0 })).toThrow(
    new RangeError('Expected floor to be a number above 0 and up to 1, got 0'),
  );
  expect(() => adaptiveThrottle({ window: 0 })).toThrow(RangeError);
  expect(() => adaptiveThrottle({ random: 1 as never })).toThrow(TypeError);
});
