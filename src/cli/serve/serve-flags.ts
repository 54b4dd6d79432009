import { isIP } from 'node:net';
import { toMs, type Duration } from '../../time/duration.ts';
import { CommandError, exitCodes, UsageError } from '../exit-codes.ts';

/** The flags of `makegood serve`, as they are given. */
export interface ServeFlags {
  readonly listen: string;
  readonly data: string;
  readonly postgres?: string;
  readonly config?: string;
  readonly tokenFile?: string;
  readonly maxFlight?: string;
  readonly allowEgress?: readonly string[];
  readonly host?: readonly string[];
  readonly origin?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly attentionWebhook?: string;
  readonly webhookSecretFile?: string;
  readonly insecure?: boolean;
  readonly logRequests?: boolean;
}

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** Whether only this machine can reach it. */
  readonly isLoopback: boolean;
}

/** The configuration is one that must not run: exit status 78 (sysexits.h, EX_CONFIG). */
export class RefusedConfigError extends CommandError {
  override readonly name = 'RefusedConfigError';

  constructor(message: string, options?: ErrorOptions) {
    super(message, exitCodes.refusedConfig, options);
  }
}

function isLoopback(host: string): boolean {
  // To the letter: a name that happens to lead to this machine may lead elsewhere tomorrow.
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Reads `127.0.0.1:7788`, `[::1]:0`, `localhost:7788`, `0.0.0.0:80`, or a port alone. */
export function readListen(text: string): ListenAddress {
  const {
    six,
    four,
    digits = '',
  } = /^(?:(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<four>[^:[\]\s]*)):)?(?<digits>\d{1,5})$/.exec(text)?.groups ?? {};
  const port = digits === '' ? Number.NaN : Number(digits);
  const host = (six ?? four ?? '127.0.0.1') || '0.0.0.0';
  if (!(port <= 65_535)) throw new UsageError(`Expected --listen to be HOST:PORT, got ${JSON.stringify(text)}`);
  return { host, port, isLoopback: isLoopback(host) };
}

/**
 * Refuses what must not run: an address that others can reach without asking who they are, or TLS that trusts anybody.
 *
 * @throws {RefusedConfigError} exit status 78.
 */
export function refuseUnsafe(flags: ServeFlags, { isLoopback: local, host }: ListenAddress): void {
  const asks = flags.tokenFile !== undefined;
  if (flags.insecure === true && !local) {
    throw new RefusedConfigError(`--insecure is for loopback addresses, and ${host} can be reached by others`);
  }
  if (flags.insecure === true && asks) {
    throw new RefusedConfigError(
      '--insecure asks nobody for a credential, and --token-file says to ask; give one of them',
    );
  }
  if (!local && !asks) {
    throw new RefusedConfigError(
      `${host} can be reached by others, and nobody would be asked for a credential; give --token-file, or listen at 127.0.0.1`,
    );
  }
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new RefusedConfigError('--tls-cert and --tls-key belong together; one of them is missing');
  }
  if (flags.tlsClientCa !== undefined && flags.tlsCert === undefined) {
    throw new RefusedConfigError(
      '--tls-client-ca asks for certificates of callers, which needs --tls-cert and --tls-key',
    );
  }
  if ((flags.attentionWebhook === undefined) !== (flags.webhookSecretFile === undefined)) {
    throw new RefusedConfigError(
      '--attention-webhook and --webhook-secret-file belong together: what is not signed, nobody can believe',
    );
  }
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    throw new RefusedConfigError('NODE_TLS_REJECT_UNAUTHORIZED=0 makes TLS trust anybody; unset it');
  }
}

/** The values of `Host` that the server answers under: its own address, and for loopback all of its names. */
export function hostsOf(
  { host, isLoopback: local }: ListenAddress,
  port: number,
  more: readonly string[] = [],
): readonly string[] {
  const own = host.includes(':') ? `[${host}]` : host;
  const names = local ? [own, 'localhost', '127.0.0.1', '[::1]'] : [own];
  const withPort = [...new Set(names)].map((name) => `${name}:${port}`);
  // A port that the scheme implies is left out by whoever asks.
  const without = port === 80 || port === 443 ? names : [];
  return [...withPort, ...without, ...more];
}

/** Reads a duration, in the words of its flag. */
export function readDuration(flag: string, text: string | undefined): Duration | undefined {
  if (text === undefined) return undefined;
  const given = (/^\d+$/.test(text) ? Number(text) : text) as Duration;
  try {
    toMs(given, flag);
    return given;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
