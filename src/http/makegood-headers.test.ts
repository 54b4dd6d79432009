import { expect, test } from 'vitest';
import { formatDeadlineHeader, readDeadlineHeader } from './makegood-headers.ts';

test('the remaining time is said in whole milliseconds, rounded down, and not at all when there is no end', () => {
  expect([1999.9, 0.4, 0, -3, Infinity].map(formatDeadlineHeader)).toEqual(['1999', '0', '0', '0', undefined]);
});

test('what is sent is what is read', () => {
  for (const ms of [0, 1, 2000, 31_536_000_000]) expect(readDeadlineHeader(formatDeadlineHeader(ms))).toBe(ms);
});

test.each([
  ['-5', 0],
  ['100, 50', 50],
  ['100,-1', 0],
  ['100, soon', 100],
  ['9'.repeat(90), Number.MAX_SAFE_INTEGER],
  [' 7 ', 7],
  ['NaN', undefined],
  ['Infinity', undefined],
  ['1e9', undefined],
  ['1.5', undefined],
  ['0x10', undefined],
  ['5s', undefined],
  ['+5', undefined],
  ['', undefined],
  ['9'.repeat(101), undefined],
  [null, undefined],
])('%s reads as %s', (text, ms) => {
  expect(readDeadlineHeader(text)).toBe(ms);
});
