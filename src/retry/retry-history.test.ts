import { expect, test } from 'vitest';
import { FailedAttemptRecord, readHistory } from './retry-history.ts';

test('tells the last 100 errors and waits in order, and keeps no more than twice as many', () => {
  let last: FailedAttemptRecord | undefined;
  for (let attempt = 1; attempt <= 1000; attempt++) {
    last = new FailedAttemptRecord(attempt, last);
    let kept = 0;
    for (let record: FailedAttemptRecord | undefined = last; record !== undefined; record = record.previous) kept += 1;
    expect(kept).toBe(last.length);
    expect(kept).toBeLessThan(200);
    if (attempt < 1000) last.delayMs = attempt * 10;
  }
  const { errors, delaysMs } = readHistory(last);
  expect([errors.length, errors[0], errors.at(-1)]).toEqual([100, 901, 1000]);
  expect([delaysMs.length, delaysMs[0], delaysMs.at(-1)]).toEqual([100, 9000, 9990]);
});

test('of a short call it tells everything', () => {
  expect(readHistory(undefined)).toEqual({ errors: [], delaysMs: [] });
  const first = new FailedAttemptRecord('a', undefined);
  first.delayMs = 5;
  expect(readHistory(new FailedAttemptRecord('b', first))).toEqual({ errors: ['a', 'b'], delaysMs: [5] });
});
