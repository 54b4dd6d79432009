import { describe, expect, test } from 'vitest';
import { openModelledJournal as openJournal } from '../../scripts/simulate/cluster-journal.ts';
import { simulateCluster } from '../../src/testing/simulation/simulate-cluster.ts';

describe('several coordinators over one store keep every invariant', () => {
  test.each([1, 2, 3, 4])('seed %i', async (seed) => {
    const report = await simulateCluster({ seed, openJournal, hours: 0.05 });
    expect(report.violation).toBeUndefined();
    expect(report.counts.completed).toBeGreaterThan(0);
    expect(report.judged).toBeGreaterThan(0);
  }, 120_000);
});

test('a seed repeats to the bit', async () => {
  const hashes: string[] = [];
  for (const seed of [5, 5]) hashes.push((await simulateCluster({ seed, openJournal, hours: 0.03 })).traceHash);
  expect(hashes[0]).toBe(hashes[1]);
}, 120_000);
