/** Every world that once failed, with the faults that were enough for it, for ever. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readKept } from '../../src/testing/simulation/kept-world.ts';
import { simulate } from '../../src/testing/simulation/simulate.ts';

const folder = join(import.meta.dirname, 'corpus');

describe('what failed once holds now', () => {
  for (const file of readdirSync(folder)) {
    const kept = readKept(readFileSync(join(folder, file), 'utf8'));
    test(`${file}: ${kept.found}`, async () => {
      expect((await simulate(kept)).violation).toBeUndefined();
    }, 120_000);
  }
});
