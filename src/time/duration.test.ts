import { expect, test } from 'vitest';
import { type Duration, toMs } from './duration.ts';

test('reads every unit, and plain numbers as milliseconds', () => {
  const read = ['250ms', '2s', '5m', '1h', '1d', '1.5s', 250, 0].map((duration) => toMs(duration as Duration));
  expect(read).toEqual([250, 2000, 300_000, 3_600_000, 86_400_000, 1500, 250, 0]);
});

test('refuses what is no duration, naming the option and the value', () => {
  expect(() => toMs('2 s', 'deadline')).toThrow(
    new TypeError('Expected deadline to be milliseconds or text such as "250ms", "2s", "5m", "1h" or "1d", got "2 s"'),
  );
  expect(() => toMs(undefined as unknown as Duration, 'deadline')).toThrow(TypeError);
  expect(() => toMs('-2s')).toThrow(TypeError);
  expect(() => toMs(-1, 'deadline')).toThrow(new RangeError('Expected deadline to be finite and 0 ms or more, got -1'));
  expect(() => toMs(Number.NaN)).toThrow(RangeError);
});

test('allows Infinity only where the caller says so', () => {
  expect(() => toMs(Infinity)).toThrow(RangeError);
  expect(toMs(Infinity, 'timeout', { allowInfinity: true })).toBe(Infinity);
});
