import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/testing/simulation/simulate.ts';
import { type ProfileName, profiles } from '../../src/testing/simulation/swarm.ts';

describe('a simulated world keeps every invariant', () => {
  for (const profile of Object.keys(profiles) as ProfileName[]) {
    test(profile, async () => {
      const report = await simulate({ seed: 3, hours: 0.05, profile });
      expect(report.violation).toBeUndefined();
      expect(report.counts.completed).toBeGreaterThan(0);
    }, 120_000);
  }
});

test('a seed repeats to the bit, and another does not', async () => {
  const hashes: string[] = [];
  for (const seed of [6, 6, 9]) hashes.push((await simulate({ seed, hours: 0.2 })).traceHash);
  expect(hashes[0]).toBe(hashes[1]);
  expect(hashes[2]).not.toBe(hashes[0]);
});
