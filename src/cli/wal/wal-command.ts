import { Command } from 'commander';
import { systemClock } from '../../ports/system-clock.ts';
import { systemFiles } from '../../ports/system-files.ts';
import { byteSize } from '../byte-size.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { visibleJson } from '../visible.ts';
import { paintFor } from '../paint.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { type DumpFilter, dumpLog } from './dump-log.ts';
import { repairLog, repairText } from './repair-log.ts';
import { damageLines, inspectText, verifyText } from './report-text.ts';
import { type LogReport, surveyLog } from './survey-log.ts';

/** What every command of the group is given. */
interface Surroundings {
  readonly signal: AbortSignal;
  readonly finish: (exitCode: number) => void;
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

async function survey(path: string, signal: AbortSignal): Promise<LogReport> {
  const progress = new ProgressDisplay(process.stderr, systemClock, 'nothing');
  const onProgress = (done: number, total: number): void =>
    progress.show((elapsedMs) => {
      const rate = elapsedMs > 0 ? `${byteSize((1000 * done) / elapsedMs)}/s` : '';
      return { share: Math.min(1, done / total), text: `${byteSize(done)} of ${byteSize(total)} · ${rate}` };
    });
  try {
    return await surveyLog(path, { files: systemFiles, signal, onProgress });
  } finally {
    progress.end();
  }
}

function reportCommand(name: 'inspect' | 'verify', { signal, finish }: Surroundings): Command {
  const text = name === 'inspect' ? inspectText : verifyText;
  return new Command(name)
    .description(
      name === 'inspect'
        ? 'Show segments, checkpoints, archive and live sagas of a log as a picture.'
        : 'Read all of a log with every checksum it has, and say whether it is good.',
    )
    .argument('<path>', 'folder of the log')
    .option('--json', 'print one JSON document')
    .action(async (path: string, flags: { readonly json?: boolean }) => {
      const report = await survey(path, signal);
      await print(
        flags.json === true
          ? `${visibleJson(JSON.stringify(report, null, 2))}\n`
          : text(report, paintFor(process.stdout)),
      );
      finish(report.verdict === 'good' ? exitCodes.ok : exitCodes.failed);
    });
}

interface DumpFlags {
  readonly from?: string;
  readonly to?: string;
  readonly saga?: string;
  readonly archive?: boolean;
}

function readPosition(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new UsageError(`Expected ${name} to be a position in the log, an integer ≥ 0, got ${JSON.stringify(text)}`);
}

/** Checks the flags of `dump`. */
function readDumpFlags({ from, to, saga, archive }: DumpFlags): DumpFilter {
  const [first, behind] = [readPosition('--from', from), readPosition('--to', to)];
  if (first !== undefined && behind !== undefined && behind < first)
    throw new UsageError(`Expected --to to be at least --from (${first}), got ${behind}`);
  return {
    ...(first === undefined ? {} : { from: first }),
    ...(behind === undefined ? {} : { to: behind }),
    ...(saga === undefined ? {} : { saga }),
    ...(archive === undefined ? {} : { archive }),
  };
}

function dumpCommand({ signal, finish }: Surroundings): Command {
  return new Command('dump')
    .description(
      'Print the records of a log as lines of JSON, in order; what is damaged is named on stderr and left out.',
    )
    .argument('<path>', 'folder of the log')
    .option('--from <position>', 'first record (default: the beginning)')
    .option('--to <position>', 'behind the last record (default: the end)')
    .option('--saga <id>', 'only records of this saga, archived ones too')
    .option('--archive', 'all that is in the archive too, first')
    .action(async (path: string, flags: DumpFlags) => {
      const filter = readDumpFlags(flags);
      const found = await dumpLog(path, { files: systemFiles, filter, write: print, signal });
      const sagas = { live: [], finished: 0, foreign: false, unfit: [], partial: false };
      for (const line of damageLines({ ...found, sagas }, paintFor(process.stderr))) process.stderr.write(`${line}\n`);
      finish(found.damages.length + found.archiveDamages.length === 0 ? exitCodes.ok : exitCodes.failed);
    });
}

interface RepairFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly acceptLoss?: boolean;
  readonly json?: boolean;
}

function repairCommand({ signal, finish }: Surroundings): Command {
  return new Command('repair')
    .description(
      'Say what can be done about a damaged log; with --yes, do it. Whatever is replaced is put aside first.\n' +
        'Records that were acknowledged are given up only with --accept-loss, and only where there is no other way.',
    )
    .argument('<path>', 'folder of the log')
    .option('--dry-run', 'change nothing, which is also what happens without --yes')
    .option('--yes', 'do what it says')
    .option('--accept-loss', 'let the log end before damage that cannot be mended')
    .option('--json', 'print one JSON document')
    .action(async (path: string, flags: RepairFlags) => {
      if (flags.dryRun === true && flags.yes === true)
        throw new UsageError('Expected either --dry-run or --yes, got both');
      const consent = { yes: flags.yes === true, acceptLoss: flags.acceptLoss === true };
      const report = await repairLog(path, { files: systemFiles, consent, signal });
      await print(
        flags.json === true
          ? `${visibleJson(JSON.stringify(report, null, 2))}\n`
          : repairText(report, paintFor(process.stdout)),
      );
      finish(report.after === 'good' ? exitCodes.ok : exitCodes.failed);
    });
}

/**
 * The commands `makegood wal inspect | verify | dump | repair`. All but `repair --yes` only read, and take no lock.
 *
 * @param signal ends what runs.
 * @param finish is called with the exit status.
 */
export function walCommand(signal: AbortSignal, finish: (exitCode: number) => void): Command {
  const surroundings = { signal, finish };
  return new Command('wal')
    .description('Look into a write-ahead log, verify it, print it, repair it.')
    .addCommand(reportCommand('inspect', surroundings))
    .addCommand(reportCommand('verify', surroundings))
    .addCommand(dumpCommand(surroundings))
    .addCommand(repairCommand(surroundings))
    .addHelpText(
      'after',
      '\nExit status: 0 good, 1 damaged, 2 wrong usage, 3 no log there, 4 a writer has it, 5 cannot be read, 130 interrupted.',
    );
}
