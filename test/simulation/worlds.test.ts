import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { simulate } from '../../src/testing/simulation/simulate.ts';
import { drawPlan, hoursOfLoad, type ProfileName, profiles } from '../../src/testing/simulation/swarm.ts';

const names = Object.keys(profiles) as ProfileName[];
// Others are tried by `npm run simulate`; these are the same in every run, so that a red one is the change's doing.
const worlds = 36;

describe('a simulated world keeps every invariant', () => {
  for (const profile of names) {
    test(profile, async () => {
      const report = await simulate({ seed: 3, hours: 0.05, profile });
      expect(report.violation).toBeUndefined();
      expect(report.counts.completed).toBeGreaterThan(0);
    }, 120_000);
  }

  for (let seed = 101; seed < 101 + worlds; seed++) {
    const profile = seed % 2 === 0 ? 'all' : (names[((seed - 1) / 2) % names.length] as ProfileName);
    test(`${profile}, seed ${seed}`, async () => {
      const { load } = drawPlan(seededRandom(seed), profile);
      const report = await simulate({ seed, profile, hours: hoursOfLoad(load, 0.1) });
      expect(report.violation).toBeUndefined();
    }, 120_000);
  }
});

test('a seed repeats to the bit, and another does not', async () => {
  const hashes: string[] = [];
  for (const seed of [6, 6, 9]) hashes.push((await simulate({ seed, hours: 0.2 })).traceHash);
  expect(hashes[0]).toBe(hashes[1]);
  expect(hashes[2]).not.toBe(hashes[0]);
});
