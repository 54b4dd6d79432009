import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { Command } from 'commander';
import { tokenLine } from '../../adapters/node/token-file.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { toMs } from '../../time/duration.ts';
import { wireTime } from '../../wire/views.ts';
import { CommandError, exitCodes, UsageError } from '../exit-codes.ts';
import { readDuration } from '../serve/serve-flags.ts';

interface TokenFlags {
  readonly rights: string;
  readonly expires?: string;
  readonly namespace?: string;
  readonly tokenFile?: string;
}

// OWASP ASVS 4.0, 2.6.2 asks for 112 bits; twice that costs nobody anything.
const secretBytes = 32;

function lineOf(token: string, { rights, expires, namespace }: TokenFlags): string {
  const span = readDuration('--expires', expires);
  try {
    return tokenLine(
      token,
      rights,
      span === undefined ? undefined : wireTime(systemClock.now() + toMs(span)),
      namespace,
    );
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The command `makegood token create`: a new bearer token on stdout, once, and its line for the token file.
 *
 * @param finish is called with the exit status.
 */
export function tokenCommand(finish: (exitCode: number) => void): Command {
  const create = new Command('create')
    .description('Make a bearer token. It is printed once; the token file keeps only its SHA-256.')
    .argument('<name>', 'whose it is: letters, digits, - and _')
    .requiredOption('--rights <list>', 'such as read,start, or * for all')
    .option('--expires <duration>', 'how long it is valid, such as 90d (default: for ever)')
    .option('--namespace <name>', 'sees and touches only the sagas of this namespace (default: all)')
    .option('--token-file <file>', 'append its line to this file (default: print it on stderr)')
    .action((name: string, flags: TokenFlags) => {
      const token = `${name}.${randomBytes(secretBytes).toString('base64url')}`;
      const line = `${lineOf(token, flags)}\n`;
      try {
        if (flags.tokenFile === undefined) process.stderr.write(line);
        else appendFileSync(flags.tokenFile, line, { mode: 0o600 });
      } catch (error) {
        throw new CommandError(`the token file cannot be written: ${String(error)}`, exitCodes.unreachable, {
          cause: error,
        });
      }
      process.stdout.write(`${token}\n`);
      finish(exitCodes.ok);
    });
  return new Command('token').description('Credentials of those who may ask a server.').addCommand(create);
}
