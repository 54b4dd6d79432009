import { expect, test } from 'vitest';
import type { Duration } from '../time/duration.ts';
import type { Backoff } from './backoff.ts';
import { constant } from './constant.ts';
import { decorrelated } from './decorrelated.ts';
import { exponential, exponentialDefaults } from './exponential.ts';
import { fibonacci } from './fibonacci.ts';
import type { Jitter, ScheduleJitter } from './jitter.ts';
import { linear } from './linear.ts';
import { sequence } from './sequence.ts';

const firstDelays = (backoff: Backoff, count: number): number[] =>
  Array.from({ length: count }, (_, index) => backoff.delayMs(index + 1));

test('exponential: doubles from 100 ms and stops growing at 5 s', () => {
  expect(firstDelays(exponential({ jitter: 'none' }), 8)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test('exponential: base 100 ms with a ceiling of 1,600 ms, and a factor of 3', () => {
  const ceiling = exponential({ initialDelay: '100ms', maxDelay: '1600ms', jitter: 'none' });
  expect(firstDelays(ceiling, 6)).toEqual([100, 200, 400, 800, 1600, 1600]);
  expect(firstDelays(exponential({ factor: 3, jitter: 'none' }), 5)).toEqual([100, 300, 900, 2700, 5000]);
});

test('exponential: retries 31, 32, 33 and 2^53 wait the cap, where a shift would give -2^31, 1 and 2', () => {
  const backoff = exponential({ jitter: 'none' });
  for (const retryNumber of [31, 32, 33, 64, 1025, 2 ** 53]) expect(backoff.delayMs(retryNumber)).toBe(5000);
});

test('exponential: an initial delay of 0 stays 0 for ever, and a factor of 1 stays at the initial delay', () => {
  expect(exponential({ initialDelay: 0 }).delayMs(2 ** 53)).toBe(0);
  expect(exponential({ factor: 1, jitter: 'none' }).delayMs(2 ** 53)).toBe(100);
});

test('linear: grows by its increment, by default its initial delay, up to the cap', () => {
  expect(firstDelays(linear({ jitter: 'none' }), 3)).toEqual([100, 200, 300]);
  const backoff = linear({ initialDelay: '1s', increment: '500ms', maxDelay: '2s', jitter: 'none' });
  expect(firstDelays(backoff, 4)).toEqual([1000, 1500, 2000, 2000]);
  expect(backoff.delayMs(2 ** 53)).toBe(2000);
});

test('fibonacci: each delay is the sum of the two before it, up to the cap', () => {
  expect(firstDelays(fibonacci({ jitter: 'none' }), 11)).toEqual([
    100, 100, 200, 300, 500, 800, 1300, 2100, 3400, 5000, 5000,
  ]);
  expect(fibonacci({ jitter: 'none' }).delayMs(2 ** 53)).toBe(5000);
  expect(fibonacci({ initialDelay: 0 }).delayMs(2 ** 53)).toBe(0);
  expect(fibonacci({ initialDelay: '5s', jitter: 'none' }).delayMs(1)).toBe(5000);
});

test('constant: waits the same each time, exactly what was written', () => {
  expect(firstDelays(constant('1s'), 3)).toEqual([1000, 1000, 1000]);
});

test('sequence: waits 1 s, 2 s, 4 s as listed, then repeats the last', () => {
  const backoff = sequence(['1s', '2s', '4s']);
  expect(firstDelays(backoff, 5)).toEqual([1000, 2000, 4000, 4000, 4000]);
  expect(backoff.delayMs(2 ** 53)).toBe(4000);
});

test('sequence: is not changed by changing the list it was made of', () => {
  const delays: Duration[] = ['1s'];
  const backoff = sequence(delays);
  delays[0] = '9s';
  expect(backoff.delayMs(1)).toBe(1000);
});

test('decorrelated: grows from the previous delay, between the initial delay and the cap', () => {
  const backoff = decorrelated({ initialDelay: 100, maxDelay: '5s' });
  expect(backoff.delayMs(1, { random: () => 0 })).toBe(100);
  expect(backoff.delayMs(1, { random: () => 0.5 })).toBe(200);
  expect(backoff.delayMs(2, { previousDelayMs: 1000, random: () => 0.5 })).toBe(1550);
  expect(backoff.delayMs(9, { previousDelayMs: 5000, random: () => 0.9 })).toBe(5000);
});

test('decorrelated: a previous delay that is short, long or no number does not lead out of its range', () => {
  const backoff = decorrelated({ initialDelay: 100, maxDelay: '5s' });
  const delays = [0, -5, Number.NaN, Infinity, Number.MAX_VALUE].map((previousDelayMs) =>
    backoff.delayMs(2, { previousDelayMs, random: () => 0.5 }),
  );
  expect(delays).toEqual([200, 200, 200, 5000, 5000]);
});

test('exponential with decorrelated jitter is the decorrelated backoff', () => {
  const context = { previousDelayMs: 700, random: () => 0.25 };
  const backoff = exponential({ jitter: 'decorrelated' });
  expect(backoff.delayMs(4, context)).toBe(decorrelated().delayMs(4, context));
});

test('refuses a retry number that is not an integer from 1 on', () => {
  for (const retryNumber of [0, -1, 1.5, Number.NaN, Infinity]) {
    expect(() => exponential().delayMs(retryNumber)).toThrow(
      new RangeError(`Expected retryNumber to be an integer ≥ 1, got ${retryNumber}`),
    );
  }
});

test('refuses options out of range, naming the option, the expectation and the value', () => {
  expect(() => exponential({ factor: 0.5 })).toThrow(
    new RangeError('Expected factor to be a finite number ≥ 1, got 0.5'),
  );
  expect(() => exponential({ factor: Infinity })).toThrow(RangeError);
  expect(() => exponential({ initialDelay: '10s' })).toThrow(
    new RangeError('Expected maxDelay to be at least initialDelay (10000 ms), got 5000 ms'),
  );
  expect(() => linear({ initialDelay: -1 })).toThrow('Expected initialDelay to be finite and 0 ms or more, got -1');
  expect(() => linear({ increment: Infinity })).toThrow('Expected increment to be finite');
  expect(() => fibonacci({ maxDelay: 10 })).toThrow('Expected maxDelay to be at least initialDelay');
  expect(() => decorrelated({ maxDelay: 10 })).toThrow('Expected maxDelay to be at least initialDelay');
  expect(() => constant('1 s')).toThrow('Expected delay to be milliseconds or text');
  expect(() => sequence([])).toThrow('Expected delays to have at least one delay, got an empty list');
  expect(() => sequence(['1s', '-2s'])).toThrow('Expected delays[1] to be milliseconds or text');
  expect(() => sequence('1s' as unknown as Duration[])).toThrow(
    'Expected delays to be a list of durations, got string',
  );
});

test('refuses a jitter it does not know, and decorrelated where it would ignore the schedule', () => {
  expect(() => exponential({ jitter: 'half' as Jitter })).toThrow(
    new TypeError(
      'Expected jitter to be "none", "full", "equal", "decorrelated" or { proportional: 0 to 1 }, got "half"',
    ),
  );
  expect(() => exponential({ jitter: { proportional: 1.5 } })).toThrow(
    new RangeError('Expected jitter.proportional to be between 0 and 1, got 1.5'),
  );
  const misplaced = { jitter: 'decorrelated' as ScheduleJitter };
  for (const make of [() => constant(1, misplaced), () => linear(misplaced), () => fibonacci(misplaced)]) {
    expect(make).toThrow('or { proportional: 0 to 1 }, got "decorrelated"');
  }
  expect(() => exponential({ jitter: null as unknown as Jitter })).toThrow(TypeError);
});

test('takes an option that is undefined as left out', () => {
  const options = { factor: undefined, jitter: undefined, maxDelay: undefined } as unknown as Record<string, never>;
  expect(exponential(options).describe()).toEqual({ ...exponential().describe() });
  expect(linear(options).describe()).toEqual(linear().describe());
});

test('defaults cannot be changed by one user for all', () => {
  expect(Object.isFrozen(exponentialDefaults)).toBe(true);
  expect(exponentialDefaults).toEqual({ initialDelay: '100ms', factor: 2, maxDelay: '5s', jitter: 'full' });
});
