/**
 * Credentials in a file, one a line: a name, its rights, and what it is known by.
 *
 *   ci        start,read            sha256:9f86d081…            2027-01-01T00:00:00Z
 *   shop      start,read,signal     sha256:5e884898…            namespace=shop
 *   ops       *                     cert-sha256:4e07408562…
 *
 * A bearer token is `name.secret`; the file has only its SHA-256. `cert-sha256` is the fingerprint of a client's
 * certificate, for servers that ask for one.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { MakegoodError } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { systemClock } from '../../ports/system-clock.ts';
import type { Authentication, Authenticator, Peer } from '../../wire/authenticator.ts';
import { type Right, rights } from '../../wire/rights.ts';
import { FailedAttempts } from './failed-attempts.ts';

/** The token file cannot be read, or a line of it is none. What held before holds on. */
export class TokenFileError extends MakegoodError {
  readonly path: string;

  constructor(path: string, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_TOKEN_FILE', `token file ${path}: ${why}`, options);
    this.path = path;
  }
}

/** Options of {@link tokenFile}. */
export interface TokenFileOptions {
  /** Told of a new version of the file that was refused: what held before holds on. Default: a process warning. */
  readonly onError?: (error: TokenFileError) => void;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/** Credentials of a file that is watched; made by {@link tokenFile}. */
export interface TokenFile extends Authenticator, Disposable {
  /** Stops watching; what the file said last holds on. */
  close(): void;
}

interface Credential {
  readonly name: string;
  readonly rights: ReadonlySet<Right>;
  readonly kind: 'sha256' | 'cert-sha256';
  readonly digest: Buffer;
  readonly expiresAt: number;
  readonly namespace: string | undefined;
}

const linePattern =
  /^(?<name>[\w-]{1,64})\s+(?<list>\*|[a-z,-]+)\s+(?<kind>sha256|cert-sha256):(?<hex>[0-9a-fA-F]{64})(?:\s+(?!namespace=)(?<expires>\S+))?(?:\s+namespace=(?<namespace>[a-z0-9-]{1,32}))?$/;

function rightsOf(list: string): ReadonlySet<Right> {
  if (list === '*') return new Set(rights);
  const named = list.split(',') as Right[];
  const stranger = named.find((right) => !rights.includes(right));
  if (stranger !== undefined) throw new TypeError(`"${stranger}" is no right; these are: ${rights.join(', ')}`);
  return new Set(named);
}

function credentialOf(line: string): Credential {
  const { name = '', list = '', kind, hex = '', expires, namespace } = linePattern.exec(line)?.groups ?? {};
  if (name === '') throw new TypeError('expected `name rights sha256:HEX [expiry] [namespace=NAME]`');
  const expiresAt = expires === undefined ? Infinity : Date.parse(expires);
  if (Number.isNaN(expiresAt)) throw new TypeError(`"${expires}" is no time`);
  return {
    name,
    rights: rightsOf(list),
    kind: kind as Credential['kind'],
    digest: Buffer.from(hex, 'hex'),
    expiresAt,
    namespace,
  };
}

function readCredentials(path: string): readonly Credential[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.flatMap((text, index) => {
      const line = text.trim();
      if (line === '' || line.startsWith('#')) return [];
      try {
        return [credentialOf(line)];
      } catch (error) {
        // The line itself is not shown: somebody may have written a token into it.
        throw new TypeError(`line ${index + 1}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    });
  } catch (error) {
    throw new TokenFileError(path, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const nobody: Authentication = { refused: 'unauthenticated' };
// Compared with where a name is not known, so that the answer takes as long as if it were.
const noDigest = Buffer.alloc(32);
const bearerPattern = /^Bearer (?<token>(?<name>[\w-]{1,64})\.[\w.~+/=-]{1,512})$/i;

class WatchedTokens implements TokenFile {
  private readonly path: string;
  private readonly clock: Clock;
  private readonly failures: FailedAttempts;
  private readonly watcher: { close(): void };
  private credentials: readonly Credential[];

  constructor(path: string, { clock = systemClock, onError = warn }: TokenFileOptions) {
    this.path = path;
    this.clock = clock;
    this.failures = new FailedAttempts(clock);
    this.credentials = readCredentials(path);
    // The folder is watched, not the file: editors and deployments replace a file by renaming.
    this.watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      if (name === null || name === basename(path)) this.reload(onError);
    });
  }

  authenticate(headers: Headers, { address, certificate }: Peer): Authentication {
    const header = headers.get('authorization');
    if (header === null) return certificate === undefined ? nobody : this.ofCertificate(certificate);
    const { token = '', name = '' } = bearerPattern.exec(header)?.groups ?? {};
    const source = `${address} ${name}`;
    const retryAfterMs = this.failures.blockedMs(source);
    if (retryAfterMs > 0) return { refused: 'too-many-failures', retryAfterMs };
    const found = this.ofToken(name, token);
    if (found === nobody) this.failures.note(source);
    return found;
  }

  private ofToken(name: string, token: string): Authentication {
    const digest = createHash('sha256').update(token).digest();
    let found: Credential | undefined;
    timingSafeEqual(noDigest, digest);
    for (const known of this.credentials) {
      if (known.kind !== 'sha256' || known.name !== name) continue;
      // Digests have one length, and how much of them agrees says nothing of the token.
      if (timingSafeEqual(known.digest, digest)) found = known;
    }
    return this.valid(found);
  }

  private ofCertificate(fingerprint: string): Authentication {
    const isKnown = ({ kind, digest }: Credential): boolean =>
      kind === 'cert-sha256' && digest.toString('hex') === fingerprint;
    return this.valid(this.credentials.find(isKnown));
  }

  private valid(found: Credential | undefined): Authentication {
    if (found === undefined || found.expiresAt <= this.clock.now()) return nobody;
    const { name, rights: granted, namespace } = found;
    return { principal: { name, rights: granted, ...(namespace === undefined ? {} : { namespace }) } };
  }

  private reload(onError: (error: TokenFileError) => void): void {
    try {
      this.credentials = readCredentials(this.path);
    } catch (error) {
      onError(error as TokenFileError);
    }
  }

  close(): void {
    this.watcher.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function warn(error: TokenFileError): void {
  process.emitWarning(error);
}

/**
 * Knows callers by a file of credentials, which is read again whenever it changes: `name rights sha256:HEX [expiry] [namespace=NAME]` a
 * line, with rights such as `start,read` or `*`. A version with a wrong line is refused whole. Ten wrong tokens of one name
 * from one address within a minute are not looked at any further.
 *
 * @param path the file; it may be replaced by renaming another over it.
 * @throws {TokenFileError} when the first version cannot be read, or is wrong.
 * @example
 * ```ts no-run
 * using authenticator = tokenFile('/etc/makegood/tokens');
 * await using server = await openServer({ journal, sagas, authenticator });
 * ```
 */
export function tokenFile(path: string, options: TokenFileOptions = {}): TokenFile {
  return new WatchedTokens(path, options);
}

/**
 * The line of a token file for a token, which itself is then to be forgotten.
 *
 * @param token `name.secret`.
 * @param granted rights, separated by commas, or `*`.
 * @param expires RFC 3339. Default: never.
 * @param namespace the one that it is bound to: 1 to 32 of `a-z 0-9 -`. Default: none, and it sees all.
 * @throws {TypeError} when the token, a right or the namespace is none.
 * @example
 * tokenLine('ci.secret', 'read').startsWith('ci read sha256:') // => true
 */
export function tokenLine(token: string, granted: string, expires?: string, namespace?: string): string {
  const { name = '' } = bearerPattern.exec(`Bearer ${token}`)?.groups ?? {};
  const digest = createHash('sha256').update(token).digest('hex');
  const line = [
    `${name} ${granted} sha256:${digest}`,
    ...(expires === undefined ? [] : [expires]),
    ...(namespace === undefined ? [] : [`namespace=${namespace}`]),
  ].join(' ');
  credentialOf(line);
  return line;
}
