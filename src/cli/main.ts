#!/usr/bin/env node
/** The command line. Data goes to stdout, everything else to stderr; the exit status says how it went. */
import { Command, CommanderError } from 'commander';
import { adviseCommand } from './advise/advise-command.ts';
import { completionCommand } from './completion-command.ts';
import { conformanceCommand } from './conformance/conformance-command.ts';
import { demoCommand } from './demo/demo-command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { packageVersion } from './package-version.ts';
import { attentionCommand } from './saga/decision-commands.ts';
import { sagaCommand } from './saga/saga-command.ts';
import { serveCommand } from './serve/serve-command.ts';
import { tokenCommand } from './token/token-command.ts';
import { simulateCommand } from './simulate/simulate-command.ts';
import { walCommand } from './wal/wal-command.ts';

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

async function main(): Promise<number> {
  process.stdout.on('error', endWithReader);
  const interrupted = interruptSignal();
  let exitCode = exitCodes.ok;
  const program = new Command('makegood')
    .description('Makes unreliable calls and multi-service transactions finish: every saga completes, or is made good.')
    .version(packageVersion())
    .addCommand(serveCommand(interrupted, (code) => (exitCode = code)))
    .addCommand(sagaCommand(interrupted, (code) => (exitCode = code)))
    .addCommand(attentionCommand(interrupted))
    .addCommand(tokenCommand((code) => (exitCode = code)))
    .addCommand(adviseCommand(interrupted, (code) => (exitCode = code)))
    .addCommand(demoCommand(interrupted, (code) => (exitCode = code)))
    .addCommand(conformanceCommand(interrupted, (code) => (exitCode = code)))
    .addCommand(simulateCommand((code) => (exitCode = code)))
    .addCommand(walCommand(interrupted, (code) => (exitCode = code)));
  program.addCommand(completionCommand(program));
  neverExit(program);
  try {
    await program.parseAsync();
    return exitCode;
  } catch (error) {
    return exitCodeOf(error, interrupted);
  }
}

process.exitCode = await main();
