import { Command, Option } from 'commander';
import { isMakegoodError } from '../../errors.ts';
import { assemble, type House } from '../assemble.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { jsonLog, type Log } from './json-log.ts';
import { loadConfig } from './load-config.ts';
import { readListen, RefusedConfigError, refuseUnsafe, type ServeFlags } from './serve-flags.ts';

/** What a configuration got wrong, as an exit status; anything else is not the configuration's fault. */
function explained(error: unknown): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error;
  if (isMakegoodError(error, 'MAKEGOOD_FILE_LOCKED'))
    return new CommandError(error.message, exitCodes.conflict, { cause: error });
  const { code = '' } = error as { readonly code?: unknown };
  const ofConfig = ['MAKEGOOD_TOKEN_FILE', 'MAKEGOOD_SAGA_STRANDED', 'MAKEGOOD_LISTEN', 'MAKEGOOD_EGRESS_REFUSED'];
  if (ofConfig.includes(String(code)) || error instanceof TypeError || error instanceof RangeError) {
    return new RefusedConfigError(error.message, { cause: error });
  }
  return isMakegoodError(error) ? new CommandError(error.message, exitCodes.unreachable, { cause: error }) : error;
}

async function start(flags: ServeFlags, log: Log): Promise<House> {
  const address = readListen(flags.listen);
  refuseUnsafe(flags, address);
  if (address.isLoopback && flags.tokenFile === undefined && flags.insecure !== true) {
    log('info', 'open', { message: 'nobody is asked for a credential: everyone on this machine may do everything' });
  }
  try {
    return await assemble(flags, address, await loadConfig(flags.config), log);
  } catch (error) {
    throw explained(error);
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/**
 * The command `makegood serve`: Tempo over HTTP until it is told to end, which it does when nothing is in flight any more.
 *
 * @param signal ends it; what is unfinished goes on at the next start.
 * @param finish is called with the exit status.
 */
export function serveCommand(signal: AbortSignal, finish: (exitCode: number) => void): Command {
  const log = jsonLog((line) => void process.stderr.write(line), Date.now);
  return new Command('serve')
    .description('Run sagas for whoever asks over HTTP. SIGTERM drains, parks what is unfinished, and ends with 0.')
    .option('--listen <address>', 'where to listen; port 0 takes any that is free', '127.0.0.1:7788')
    .option('--data <folder>', 'where sagas are kept', './makegood-data')
    .option('--postgres <url>', 'keep sagas in PostgreSQL instead, which several servers may share')
    .option('--config <file>', 'a module whose default export has the registered sagas')
    .option('--token-file <file>', 'ask for bearer tokens: lines of `name rights sha256:HEX [expiry]`')
    .option('--max-flight <duration>', 'how long a request may still be on its way after its time-out (default: 30s)')
    .option(
      '--allow-egress <target>',
      'a host, *.host, address block, or range that may be called; again for more',
      several,
    )
    .option('--host <name>', 'another value of Host to answer under; again for more', several)
    .option('--origin <origin>', 'an origin whose pages may change something; again for more', several)
    .option('--tls-cert <file>', 'serve TLS with this certificate (PEM)')
    .option('--tls-key <file>', 'and this key')
    .option('--tls-client-ca <file>', 'ask callers for certificates that this authority signed')
    .option('--attention-webhook <url>', 'tell this address when a saga needs a person, signed and until it says 2xx')
    .option('--webhook-secret-file <file>', 'with the secret that it is signed with: whsec_ and base64')
    .option('--insecure', 'ask nobody for a credential, and do not remark on it; loopback only')
    .addOption(new Option('--log-requests', 'write a line for every request'))
    .addHelpText(
      'after',
      '\nExit status: 0 ended, 2 wrong usage, 4 another process has the data, 5 the log or the database cannot be read, 78 refused configuration.',
    )
    .action(async (flags: ServeFlags) => {
      const house = await start(flags, log);
      process.stdout.write(`${house.url}\n`);
      await untilAborted(signal);
      log('info', 'draining');
      await house.close();
      log('info', 'ended');
      finish(exitCodes.ok);
    });
}
