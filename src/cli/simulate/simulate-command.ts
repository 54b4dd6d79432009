import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Chronicle } from '../../testing/simulation/chronicle.ts';
import { sequenceDiagram } from '../../testing/simulation/sequence-diagram.ts';
import { shrink } from '../../testing/simulation/shrink.ts';
import { simulate, type SimulationReport } from '../../testing/simulation/simulate.ts';
import { type ProfileName, profiles } from '../../testing/simulation/swarm.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { reportLines } from './simulation-text.ts';

interface SimulateFlags {
  readonly seed?: string;
  readonly hours?: string;
  readonly profile?: string;
  readonly shrink?: boolean;
  readonly json?: boolean;
}

/** What is to be simulated, checked. */
interface SimulateSettings {
  readonly seed: number;
  readonly hours: number;
  readonly profile: ProfileName;
}

/**
 * Checks the command line's flags.
 *
 * @throws {UsageError} for the first one that cannot be used.
 */
export function readSimulateFlags({ seed = '1', hours = '1', profile = 'all' }: SimulateFlags): SimulateSettings {
  if (!/^\d{1,10}$/.test(seed))
    throw new UsageError(`Expected --seed to be an integer ≥ 0, got ${JSON.stringify(seed)}`);
  const long = /^(?:\d+|\d*\.\d+)$/.test(hours) ? Number(hours) : Number.NaN;
  if (!(long > 0 && long <= 1000))
    throw new UsageError(`Expected --hours to be a number above 0 and at most 1000, got ${JSON.stringify(hours)}`);
  if (!(profile in profiles)) {
    const known = Object.keys(profiles).join(', ');
    throw new UsageError(`Expected --profile to be one of ${known}, got ${JSON.stringify(profile)}`);
  }
  return { seed: Number(seed), hours: long, profile: profile as ProfileName };
}

/** Makes a failing run small, shows what happened in it, and writes it down so that it can be kept. */
async function explain(report: SimulationReport, settings: SimulateSettings): Promise<string> {
  const smaller = await shrink(report, {
    onRun: (faults, isKept) =>
      process.stderr.write(`${isKept ? 'still fails' : 'does not fail'} with ${faults} faults\n`),
  });
  const { hours, struck, violation } = smaller;
  const chronicle = new Chronicle(violation?.sagaId);
  await simulate({ ...settings, hours, faults: struck, chronicle });
  const file = `simulation-${settings.profile}-${settings.seed}.json`;
  const kept = { seed: settings.seed, hours, profile: settings.profile, faults: struck, found: violation?.invariant };
  await writeFile(file, `${JSON.stringify(kept)}\n`);
  const last = sequenceDiagram(chronicle.entries.slice(-60));
  return `${last}\n\n${struck.length} faults are enough; kept in ${file}: put it into test/simulation/corpus\n`;
}

/**
 * The command `makegood simulate`.
 *
 * @param finish is called with the exit status.
 */
export function simulateCommand(finish: (exitCode: number) => void): Command {
  return new Command('simulate')
    .description(
      'Run the coordinator in a simulated world that fails, and check its invariants; the same seed repeats it to the bit.',
    )
    .option('--seed <number>', 'makes everything (default: 1)')
    .option('--hours <number>', 'how long sagas come and faults strike, in simulated hours (default: 1)')
    .option('--profile <name>', `which faults there may be: ${Object.keys(profiles).join(', ')} (default: all)`)
    .option('--no-shrink', 'do not look for a smaller run that fails, too')
    .option('--json', 'print one JSON document')
    .action(async (flags: SimulateFlags) => {
      const settings = readSimulateFlags(flags);
      const report = await simulate(settings);
      const text = flags.json === true ? `${JSON.stringify(report)}\n` : `${reportLines(report).join('\n')}\n`;
      process.stdout.write(text);
      const isGood = report.violation === undefined;
      if (!isGood && flags.shrink !== false && flags.json !== true)
        process.stdout.write(await explain(report, settings));
      finish(isGood ? exitCodes.ok : exitCodes.failed);
    });
}
