import { expect, test } from 'vitest';
import { type FailedAttemptRecord, readHistory, remember } from './retry-history.ts';

test('tells the last 100 errors and waits in order, and keeps no more than twice as many', () => {
  let last: FailedAttemptRecord | undefined;
  for (let attempt = 1; attempt <= 1000; attempt++) {
    last = remember(attempt, attempt, last);
    let kept = 0;
    for (let record: FailedAttemptRecord | undefined = last; record !== undefined; record = record.previous) kept += 1;
    expect(kept).toBeLessThanOrEqual(200);
    if (attempt < 1000) last.delayMs = attempt * 10;
  }
  const { errors, delaysMs } = readHistory(last);
  expect([errors.length, errors[0], errors.at(-1)]).toEqual([100, 901, 1000]);
  expect([delaysMs.length, delaysMs[0], delaysMs.at(-1)]).toEqual([100, 9000, 9990]);
});

test('at its longest, 199 attempts, it is the last 100 too', () => {
  let last: FailedAttemptRecord | undefined;
  for (let attempt = 1; attempt <= 199; attempt++) {
    last = remember(attempt, attempt, last);
    last.delayMs = attempt;
  }
  const { errors, delaysMs } = readHistory(last);
  expect([errors.length, errors[0], errors.at(-1)]).toEqual([100, 100, 199]);
  expect(delaysMs).toEqual(errors);
});

test('of a short call it tells everything', () => {
  expect(readHistory(undefined)).toEqual({ errors: [], delaysMs: [] });
  const first = remember('a', 1, undefined);
  first.delayMs = 5;
  expect(readHistory(remember('b', 2, first))).toEqual({ errors: ['a', 'b'], delaysMs: [5] });
});
