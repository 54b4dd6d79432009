import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Chronicle } from '../../testing/simulation/chronicle.ts';
import { type KeptWorld, readKept, writeKept } from '../../testing/simulation/kept-world.ts';
import { sequenceDiagram } from '../../testing/simulation/sequence-diagram.ts';
import { shrink } from '../../testing/simulation/shrink.ts';
import { simulate, type SimulationReport } from '../../testing/simulation/simulate.ts';
import { type ProfileName, profiles } from '../../testing/simulation/swarm.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { replayLine, reportLines } from './simulation-text.ts';

interface SimulateFlags {
  readonly seed?: string;
  readonly hours?: string;
  readonly profile?: string;
  readonly replay?: string;
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

/** What happened in a failing run, drawn, to the saga that shows it. */
async function draw({ seed, hours, profile, plan, struck, violation }: SimulationReport): Promise<string> {
  const chronicle = new Chronicle(violation?.sagaId);
  await simulate({ seed, hours, profile, plan, faults: struck, chronicle });
  return sequenceDiagram(chronicle.entries.slice(-60));
}

/** Makes a failing run small, shows what happened in it, and writes it down so that it can be kept. */
async function explain(report: SimulationReport): Promise<string> {
  const smaller = await shrink(report, {
    onRun: (faults, isKept) =>
      process.stderr.write(`${isKept ? 'still fails' : 'does not fail'} with ${faults} faults\n`),
  });
  const file = `simulation-${smaller.profile}-${smaller.seed}.json`;
  await writeFile(file, writeKept(smaller));
  const enough = `${smaller.struck.length} faults in ${smaller.hours.toFixed(3)} hours are enough`;
  return `${await draw(smaller)}\n\n${enough}; kept in ${file}: put it into test/simulation/corpus\n`;
}

async function readWorld(file: string): Promise<KeptWorld> {
  try {
    return readKept(await readFile(file, 'utf8'));
  } catch (error) {
    throw new UsageError(
      `Expected --replay to be a file that "makegood simulate" wrote, got ${file}: ${String(error)}`,
    );
  }
}

async function run(flags: SimulateFlags): Promise<SimulationReport> {
  const kept = flags.replay === undefined ? undefined : await readWorld(flags.replay);
  const report = await simulate(kept ?? readSimulateFlags(flags));
  const lines = [...reportLines(report), ...(kept === undefined ? [] : [replayLine(kept, report)])];
  const asJson = flags.json === true;
  process.stdout.write(asJson ? `${JSON.stringify(report)}\n` : `${lines.join('\n')}\n`);
  if (report.violation === undefined || asJson) return report;
  if (kept !== undefined) process.stdout.write(`${await draw(report)}\n`);
  else if (flags.shrink !== false) process.stdout.write(await explain(report));
  return report;
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
    .option('--replay <file>', 'repeat the run that was kept in a file, instead of one made of a seed')
    .option('--no-shrink', 'do not look for a smaller run that fails, too')
    .option('--json', 'print one JSON document')
    .action(async (flags: SimulateFlags) => {
      const { violation } = await run(flags);
      finish(violation === undefined ? exitCodes.ok : exitCodes.failed);
    });
}
