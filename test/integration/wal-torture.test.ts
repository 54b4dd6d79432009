/** The short forms of `npm run torture:wal`, whose long forms take minutes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { archiveTortures } from '../../scripts/torture-wal/archives.ts';
import { damageTortures } from '../../scripts/torture-wal/damage.ts';
import { diskTortures } from '../../scripts/torture-wal/disks.ts';
import { faultTortures } from '../../scripts/torture-wal/faults.ts';
import { planted } from '../../scripts/torture-wal/mutants.ts';
import { mutants } from '../../scripts/torture-wal/planted-bugs.ts';
import { processTortures } from '../../scripts/torture-wal/processes.ts';
import { Tally } from '../../scripts/torture-wal/tally.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

test.each([...damageTortures, ...archiveTortures, ...faultTortures, ...diskTortures, ...processTortures])(
  'torture, short form: $name',
  async ({ run }) => {
    const tally = new Tally();
    await run(tally, 'short');
    for (const what of tally.skipped) console.warn(`NOT TRIED: ${what}`);
    expect(tally.violations).toEqual([]);
    expect(tally.cases + tally.skipped.length).toBeGreaterThan(0);
  },
  120_000,
);

test('what the torture must find can still be planted: each planted bug fits the sources', () => {
  for (const mutant of mutants) {
    const source = readFileSync(`${root}${mutant.file}`, 'utf8');
    expect(planted(source, mutant)).not.toBe(source);
  }
});

test('a torture that is violated says so, with the case', async () => {
  const tally = new Tally(true);
  await tally.try('case one', () => Promise.reject(new Error('lost')));
  await tally.try('case two', () => Promise.resolve());
  expect(tally).toMatchObject({ cases: 1, violations: ['case one: lost'], isDone: true });
});
