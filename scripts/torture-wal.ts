/**
 * Tortures the write-ahead log and says how many cases were tried and what was violated: `npm run torture:wal`.
 *
 *   --short         the form that `npm test` runs, seconds instead of minutes
 *   --memory        only what needs neither a disk nor processes
 *   --fail-fast     stop at the first violation
 *   --only WORDS    only tortures whose name holds these words
 *   --mutants       plant known bugs in a copy of the sources and show that each is found
 */
import { parseArgs } from 'node:util';
import { plantMutants } from './torture-wal/mutants.ts';
import { archiveTortures } from './torture-wal/archives.ts';
import { damageTortures } from './torture-wal/damage.ts';
import { diskTortures } from './torture-wal/disks.ts';
import { faultTortures } from './torture-wal/faults.ts';
import { processTortures } from './torture-wal/processes.ts';
import { type Effort, Tally, type Torture } from './torture-wal/tally.ts';

const tortures: readonly Torture[] = [
  ...damageTortures,
  ...archiveTortures,
  ...faultTortures,
  ...diskTortures,
  ...processTortures,
];
const shown = 10;

async function runOne(torture: Torture, effort: Effort, failFast: boolean): Promise<Tally> {
  const tally = new Tally(failFast);
  const startedMs = performance.now();
  await torture.run(tally, effort);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const { cases, violations, notes, skipped } = tally;
  const verdict = violations.length === 0 ? 'ok ' : 'RED';
  const counts = `${cases.toLocaleString('en').padStart(8)} cases ${String(violations.length).padStart(4)} violations`;
  console.log(
    `${verdict} ${counts} ${seconds.padStart(7)} s  ${torture.name}${notes.map((note) => `; ${note}`).join('')}`,
  );
  for (const violation of violations.slice(0, shown)) console.log(`      ${violation}`);
  if (violations.length > shown) console.log(`      … and ${violations.length - shown} more`);
  for (const what of skipped) console.log(`    NOT TRIED: ${what}`);
  return tally;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      memory: { type: 'boolean', default: false },
      'fail-fast': { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      mutants: { type: 'boolean', default: false },
    },
  });
  if (values.mutants) return plantMutants(values.only);
  const chosen = tortures.filter(({ name, inMemory }) => name.includes(values.only) && (inMemory || !values.memory));
  if (chosen.length === 0) throw new Error(`Expected --only to name a torture, got "${values.only}"`);
  const totals = { cases: 0, violations: 0 };
  for (const torture of chosen) {
    const { cases, violations } = await runOne(torture, values.short ? 'short' : 'long', values['fail-fast']);
    totals.cases += cases;
    totals.violations += violations.length;
    if (values['fail-fast'] && totals.violations > 0) break;
  }
  console.log(`${totals.cases.toLocaleString('en')} cases tried, ${totals.violations} violations`);
  return totals.violations === 0 ? 0 : 1;
}

process.exitCode = await main();
