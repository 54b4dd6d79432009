import { expect, test } from 'vitest';
import { GuardLaws } from '../../src/testing/simulation/guard-laws.ts';
import { simulateGuards } from '../../src/testing/simulation/simulate-guards.ts';

test('callers behind guards keep the laws of guards, and a brown-out ends with its cause', async () => {
  let [calls, retries] = [0, 0];
  for (let seed = 1; seed <= 4; seed++) {
    const report = await simulateGuards(seed);
    expect(report.violation, `seed ${seed}`).toBeUndefined();
    calls += report.calls;
    retries += report.retries;
  }
  expect(calls).toBeGreaterThan(10_000);
  expect(retries).toBeGreaterThan(20);
}, 120_000);

const settings = {
  maxConcurrent: 2,
  limit: 10,
  burst: 3,
  probes: 1,
  openForMs: 1000,
  ratio: 0.1,
  minPerSecond: 1,
  budgetWindowMs: 2000,
};
const begun = (laws: GuardLaws, calls: readonly (readonly [atMs: number, attempt: number])[]): void => {
  for (const [atMs, attempt] of calls) {
    if (attempt === 1) laws.offered(atMs);
    laws.ended(laws.begins(atMs, attempt, 'closed'));
  }
};

test.each<[string, string, (laws: GuardLaws) => void]>([
  ['a call through an open breaker', 'I9 guards hold', (laws) => void laws.begins(0, 1, 'open')],
  [
    'two probes where one may be',
    'I9 guards hold',
    (laws) => [0, 1].forEach((atMs) => laws.begins(atMs, 1, 'half-open')),
  ],
  [
    'three at a time where two may be',
    'I9c limits hold',
    (laws) => [0, 1, 2].forEach((at) => laws.begins(at, 1, 'closed')),
  ],
  [
    'four in a burst of three',
    'I9c limits hold',
    (laws) =>
      begun(
        laws,
        [0, 1, 2, 3].map((at) => [at, 1]),
      ),
  ],
  [
    'three retries where the budget has two',
    'I9b retries stay within their budget',
    (laws) =>
      begun(laws, [
        [0, 1],
        [400, 2],
        [500, 2],
        [600, 2],
      ]),
  ],
])('the laws refuse %s', (_, invariant, breakLaw) => {
  expect(() => breakLaw(new GuardLaws(settings))).toThrow(expect.objectContaining({ invariant }));
});
