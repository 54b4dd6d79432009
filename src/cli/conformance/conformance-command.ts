import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { isMakegoodError } from '../../errors.ts';
import { type ConformanceOptions, type ConformanceReport, runConformance } from '../../conformance/run-conformance.ts';
import { CommandError, exitCodes, UsageError } from '../exit-codes.ts';
import { visibleJson } from '../visible.ts';
import { paintFor } from '../paint.ts';
import { resultLines, verdictLines } from './conformance-text.ts';

/** What may be asked for on the command line, as text. */
export interface ConformanceFlags {
  readonly input?: string;
  readonly refusedInput?: string;
  readonly effects?: string;
  readonly compensation?: string;
  readonly status?: string;
  readonly step?: string;
  readonly probe: boolean;
  readonly restart?: string;
  readonly only?: readonly string[];
  readonly timeout?: string;
  readonly json?: boolean;
}

/** JSON as text, or `@` and the name of a file that holds it, as curl has it. */
function readJson(flag: string, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Expected ${flag} to be JSON or @file, got ${JSON.stringify(text)}: ${why}`, { cause: error });
  }
}

/** Runs a command of the user's shell, its output on our stderr: what it starts must send its own elsewhere. */
function shell(command: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 2, 2], signal });
    child.once('error', reject);
    // Its exit and not the end of its output: a participant that it starts in the background keeps that open.
    child.once('exit', (code, by) => {
      if (code === 0) resolve();
      else reject(new CommandError(`--restart ended with ${by ?? `exit status ${code}`}: ${command}`, exitCodes.usage));
    });
  });
}

/** Checks the flags; the rest is checked where the kit takes them. */
function readFlags(flags: ConformanceFlags, signal: AbortSignal): Omit<ConformanceOptions, 'url'> {
  const { effects, compensation, status, step, probe, restart, only, timeout } = flags;
  const refusedInput = readJson('--refused-input', flags.refusedInput);
  const input = readJson('--input', flags.input);
  return {
    probe,
    signal,
    ...(input === undefined ? {} : { input }),
    ...(refusedInput === undefined ? {} : { refusedInput }),
    ...(effects === undefined ? {} : { effectsUrl: effects }),
    ...(compensation === undefined ? {} : { compensationUrl: compensation }),
    ...(status === undefined ? {} : { statusUrl: status }),
    ...(step === undefined ? {} : { step }),
    ...(only === undefined ? {} : { only }),
    ...(timeout === undefined ? {} : { timeout: timeout as `${number}s` }),
    ...(restart === undefined ? {} : { restart: async () => shell(restart, signal) }),
  };
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function judge(url: string, flags: ConformanceFlags, signal: AbortSignal): Promise<ConformanceReport> {
  const paint = paintFor(process.stdout);
  const options = readFlags(flags, signal);
  try {
    if (flags.json === true) {
      const report = await runConformance({ ...options, url });
      print([visibleJson(JSON.stringify(report, null, 2))]);
      return report;
    }
    const report = await runConformance({ ...options, url, onResult: (result) => print(resultLines(result, paint)) });
    print(['', ...verdictLines(report, paint)]);
    return report;
  } catch (error) {
    if (isMakegoodError(error, 'MAKEGOOD_PARTICIPANT_UNREACHABLE'))
      throw new CommandError(error.message, exitCodes.unreachable, { cause: error });
    // The options that the kit refuses are what was typed here.
    if (error instanceof RangeError || error instanceof TypeError)
      throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/**
 * The command `makegood conformance URL`.
 *
 * @param signal ends it.
 * @param finish is called with the exit status.
 */
export function conformanceCommand(signal: AbortSignal, finish: (exitCode: number) => void): Command {
  return new Command('conformance')
    .description(
      'Find out whether a participant, in any language, keeps the protocol. It makes real calls, some 360 of them:\n' +
        'point it at a participant whose database may be written to.',
    )
    .argument('<url>', 'where the action is called')
    .option('--input <json>', 'what the business accepts, again and again; "$saga" stands for the id (default: {})')
    .option('--refused-input <json>', 'what the business refuses for certain')
    .option('--effects <url>', 'where effects are counted: GET <url>?saga=…&step=… → {"applied":1,"undone":0}')
    .option(
      '--restart <command>',
      'a shell command that kills the participant and starts it again, with its output in a file',
    )
    .option('--compensation <url>', 'where the compensation is called (default: <url>)')
    .option('--status <url>', 'where the status probe is called (default: <url>)')
    .option('--no-probe', 'it answers no status probes')
    .option('--step <name>', 'the name of the step (default: conformance)')
    .option('--only <check...>', 'make these checks only')
    .option('--timeout <duration>', 'the longest wait for an answer (default: 5s)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExit status: 0 conforms, 1 fails, 2 wrong usage, 5 nobody answers there, 130 interrupted.')
    .action(async (url: string, flags: ConformanceFlags) => {
      const { verdict } = await judge(url, flags, signal);
      finish(verdict === 'conforms' ? exitCodes.ok : exitCodes.failed);
    });
}
