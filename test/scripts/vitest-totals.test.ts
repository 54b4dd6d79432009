import { expect, test } from 'vitest';
import { failuresOf, totalsOf } from '../../scripts/vitest-totals.ts';

const report = {
  testResults: [
    {
      name: 'a.test.ts',
      status: 'passed',
      assertionResults: [
        { fullName: 'runs', status: 'passed' },
        { fullName: 'has no service', status: 'skipped' },
        { fullName: 'is only a plan', status: 'todo' },
      ],
    },
    { name: 'b.test.ts', status: 'failed', assertionResults: [{ fullName: 'breaks', status: 'failed' }] },
    { name: 'c.test.ts', status: 'failed', assertionResults: [] },
  ],
};

test('counts each test once, and a file that could not be loaded as broken', () => {
  expect(totalsOf(report)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 2,
    brokenFiles: ['c.test.ts'],
    skippedNames: ['has no service', 'is only a plan'],
  });
});

test('a skipped test is a failure where skips are refused, and a broken file always', () => {
  expect(failuresOf(totalsOf(report), { refuseSkips: false })).toBe(2);
  expect(failuresOf(totalsOf(report), { refuseSkips: true })).toBe(4);
});
