import { describe, expect, test } from 'vitest';
import { openModelledJournal as openJournal } from '../../scripts/simulate/cluster-journal.ts';
import { simulateCluster } from '../../src/testing/simulation/simulate-cluster.ts';

describe('several coordinators over one store keep every invariant', () => {
  // Those that once failed: of an answer that was none, a view of the past, a shard under its old epoch, a lost shard.
  test.each([2, 9, 14, 16])(
    'seed %i',
    async (seed) => {
      const report = await simulateCluster({ seed, openJournal, hours: 0.02 });
      expect(report.violation).toBeUndefined();
      expect(report.counts.completed).toBeGreaterThan(0);
      expect(report.judged).toBeGreaterThan(0);
    },
    300_000,
  );
});

test('a seed of a cluster repeats to the bit', async () => {
  const hashes: string[] = [];
  for (const seed of [6, 6]) hashes.push((await simulateCluster({ seed, openJournal, hours: 0.02 })).traceHash);
  expect(hashes[0]).toBe(hashes[1]);
}, 120_000);
