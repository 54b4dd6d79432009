/** Every seed that once failed, with the faults that were enough for it, for ever. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Struck } from '../../src/testing/simulation/faults.ts';
import { simulate } from '../../src/testing/simulation/simulate.ts';
import type { ProfileName } from '../../src/testing/simulation/swarm.ts';

interface Kept {
  readonly seed: number;
  readonly hours: number;
  readonly profile: ProfileName;
  readonly faults?: readonly Struck[];
  /** The invariant that did not hold. */
  readonly found: string;
}

const folder = join(import.meta.dirname, 'corpus');

describe('what failed once holds now', () => {
  for (const file of readdirSync(folder)) {
    const kept = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Kept;
    test(`${file}: ${kept.found}`, async () => {
      const { seed, hours, profile, faults } = kept;
      const report = await simulate({ seed, hours, profile, ...(faults === undefined ? {} : { faults }) });
      expect(report.violation).toBeUndefined();
    }, 120_000);
  }
});
