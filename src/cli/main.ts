#!/usr/bin/env node
/** The command line. Data goes to stdout, everything else to stderr; the exit status says how it went. */
import { Command, CommanderError } from 'commander';
import { CommandError, exitCodes } from './exit-codes.ts';
import { packageVersion } from './package-version.ts';

/** Aborts on Ctrl-C or a polite kill; a second one ends the process at once, and its children with it. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(new Error(`interrupted by ${name}`));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
}

function exitCodeOf(error: unknown, interrupted: AbortSignal): number {
  // Commander has already said what was wrong; asking for help or the version is no error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (interrupted.aborted) {
    process.stderr.write('interrupted\n');
    return exitCodes.interrupted;
  }
  if (error instanceof CommandError) {
    process.stderr.write(`error: ${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed;
}

/** Commands that are added do not inherit this, and would end the process by themselves. */
function neverExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(neverExit);
}

/** Whoever reads our output has seen enough (`| head`): no error of ours, and nobody is left to be told. */
function endWithReader(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
}

type TellExit = (code: number) => void;
type Load = (interrupted: AbortSignal, tell: TellExit) => Promise<Command>;

// Each is loaded when it is asked for: to look into a log takes a fifth of a second, to load a server a whole one.
const commands: Readonly<Record<string, Load>> = {
  serve: async (interrupted, tell) => (await import('./serve/serve-command.ts')).serveCommand(interrupted, tell),
  saga: async (interrupted, tell) => (await import('./saga/saga-command.ts')).sagaCommand(interrupted, tell),
  attention: async (interrupted) => (await import('./saga/decision-commands.ts')).attentionCommand(interrupted),
  token: async (_, tell) => (await import('./token/token-command.ts')).tokenCommand(tell),
  advise: async (interrupted, tell) => (await import('./advise/advise-command.ts')).adviseCommand(interrupted, tell),
  demo: async (interrupted, tell) => (await import('./demo/demo-command.ts')).demoCommand(interrupted, tell),
  conformance: async (interrupted, tell) =>
    (await import('./conformance/conformance-command.ts')).conformanceCommand(interrupted, tell),
  simulate: async (_, tell) => (await import('./simulate/simulate-command.ts')).simulateCommand(tell),
  wal: async (interrupted, tell) => (await import('./wal/wal-command.ts')).walCommand(interrupted, tell),
};

/** The commands that the arguments may mean: one that is named, or all where help, a completion or a guess needs them. */
function wanted([first = '']: readonly string[]): readonly Load[] {
  const named = Object.hasOwn(commands, first) ? commands[first] : undefined;
  if (named !== undefined) return [named];
  return first === '--version' || first === '-V' ? [] : Object.values(commands);
}

async function main(): Promise<number> {
  process.stdout.on('error', endWithReader);
  const interrupted = interruptSignal();
  let exitCode: number = exitCodes.ok;
  const program = new Command('makegood')
    .description('Makes unreliable calls and multi-service transactions finish: every saga completes, or is made good.')
    .version(packageVersion());
  for (const load of wanted(process.argv.slice(2)))
    program.addCommand(await load(interrupted, (code) => (exitCode = code)));
  if (program.commands.length !== 1)
    program.addCommand((await import('./completion-command.ts')).completionCommand(program));
  neverExit(program);
  try {
    await program.parseAsync();
    return exitCode;
  } catch (error) {
    return exitCodeOf(error, interrupted);
  }
}

process.exitCode = await main();
