/** The one place that builds a whole house of a configuration: journal, caller, coordinator, server, sockets. */
import { readFileSync } from 'node:fs';
import { nodeCaller } from '../adapters/node/node-remote-caller.ts';
import { tokenFile } from '../adapters/node/token-file.ts';
import { webhookSignature } from '../adapters/node/webhook-signature.ts';
import { openPostgresJournal } from '../adapters/postgres/journal/open-postgres-journal.ts';
import { prometheus } from '../adapters/prometheus/prometheus.ts';
import type { TelemetryEvent } from '../adapters/telemetry/telemetry-event.ts';
import { isMakegoodError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { openWalJournal } from '../journal/wal-journal.ts';
import { systemClock } from '../ports/system-clock.ts';
import { attentionWebhook } from '../server/attention-webhook.ts';
import { listen, type Listener, type ListenOptions } from '../server/listen.ts';
import { openServer } from '../server/open-server.ts';
import type { RemoteCaller } from '../outbound/remote-caller.ts';
import type { ServerConfig } from '../server/server-config.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { packageVersion } from './package-version.ts';
import { errorFacts, type Log, loggingObserver } from './serve/json-log.ts';
import { hostsOf, type ListenAddress, readDuration, RefusedConfigError, type ServeFlags } from './serve/serve-flags.ts';

/** A house that stands; closing it drains, parks what is unfinished, and gives everything back. */
export interface House extends AsyncDisposable {
  readonly url: string;
  /** Safe to call twice. */
  close(): Promise<void>;
}

function readFlag(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new RefusedConfigError(`${flag} ${path} cannot be read: ${String(error)}`, { cause: error });
  }
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: ServeFlags): ListenOptions['tls'] {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const clientCa = tlsClientCa === undefined ? undefined : readFlag('--tls-client-ca', tlsClientCa);
  return { cert: readFlag('--tls-cert', tlsCert), key: readFlag('--tls-key', tlsKey), clientCa };
}

/** Which targets may be called: those that were named; else the Internet, and this machine when nobody else is served. */
function egressOf({ allowEgress }: ServeFlags, { isLoopback }: ListenAddress): readonly string[] {
  return allowEgress ?? (isLoopback ? ['loopback', 'public'] : ['public']);
}

/** Gives things back in the reverse order of their making, each once, whatever the others do. */
class Belongings {
  private readonly stack = new AsyncDisposableStack();

  keep<Thing extends AsyncDisposable | Disposable>(thing: Thing): Thing {
    return this.stack.use(thing);
  }

  return(): Promise<void> {
    return this.stack.disposeAsync();
  }
}

async function openJournal({ data, postgres }: ServeFlags, belongings: Belongings): Promise<Journal> {
  if (postgres === undefined) return openWalJournal(data);
  const { default: pg } = await import('pg').catch((error: unknown) => {
    throw new RefusedConfigError('--postgres needs the package pg beside makegood: npm install pg', { cause: error });
  });
  const where = placeOf(postgres);
  const pool = new pg.Pool({ connectionString: postgres, max: 8, connectionTimeoutMillis: 5000 });
  // An idle connection that is lost is replaced by the next one; told to nobody it would end the process.
  pool.on('error', () => undefined);
  belongings.keep({ [Symbol.asyncDispose]: () => pool.end() });
  try {
    return await openPostgresJournal({ pool });
  } catch (error) {
    if (isMakegoodError(error)) throw error;
    throw new CommandError(`--postgres ${where}: ${whyOf(error)}; nothing was started`, exitCodes.unreachable, {
      cause: error,
    });
  }
}

/** The server and database that a URL names; the password in it is nobody's business. */
function placeOf(url: string): string {
  if (!/^postgres(?:ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new RefusedConfigError('Expected --postgres to be a URL like postgresql://host/database');
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** What a driver says; where several addresses were tried, its error has only theirs. */
function whyOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(whyOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

/** Tells a webhook of what waits for a person, where one was named. */
function webhookOf(
  flags: ServeFlags,
  caller: RemoteCaller,
  observer: Heard,
  belongings: Belongings,
): Heard | undefined {
  const { attentionWebhook: url, webhookSecretFile: file } = flags;
  if (url === undefined || file === undefined) return undefined;
  const sign = webhookSignature(readFlag('--webhook-secret-file', file));
  return belongings.keep(attentionWebhook({ url, caller, sign, observer })).observer as Heard;
}

type Heard = (event: TelemetryEvent) => void;

async function build(
  flags: ServeFlags,
  address: ListenAddress,
  config: ServerConfig,
  log: Log,
  belongings: Belongings,
) {
  const metrics = prometheus();
  const logged = loggingObserver(log, flags.logRequests === true);
  const told: Heard = (event) => {
    metrics.observer(event);
    logged(event as Parameters<typeof logged>[0]);
  };
  const authenticator =
    flags.tokenFile === undefined
      ? undefined
      : belongings.keep(
          tokenFile(flags.tokenFile, { onError: (error) => log('error', 'tokens.refused', errorFacts(error)) }),
        );
  const caller = belongings.keep(nodeCaller({ allow: egressOf(flags, address), observer: metrics.observer }));
  const webhook = webhookOf(flags, caller, told, belongings);
  const observer: Heard = (event) => {
    told(event);
    webhook?.(event);
  };
  const maxFlight = readDuration('--max-flight', flags.maxFlight);
  const tls = tlsOf(flags);
  // The port may be one that the system chooses, and the names that are answered under have it in them.
  const hosts: string[] = [];
  const journal = await openJournal(flags, belongings);
  const server = belongings.keep(
    await openServer({
      sagas: [],
      ...config,
      journal,
      caller,
      observer,
      hosts,
      metrics: () => metrics.text(),
      version: packageVersion(),
      ...(flags.origin === undefined ? {} : { origins: flags.origin }),
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(maxFlight === undefined ? {} : { maxFlight }),
    }),
  );
  const { host, port } = address;
  const options = { host, port, ...(tls === undefined ? {} : { tls }) };
  const listener: Listener = await listen((request, peer) => server.handle(request, peer), options);
  hosts.push(...hostsOf(address, listener.port, flags.host));
  return { server, listener };
}

/**
 * Builds a server of its flags and configuration, and listens.
 *
 * @throws what the parts of it throw; what was built by then is given back.
 */
export async function assemble(
  flags: ServeFlags,
  address: ListenAddress,
  config: ServerConfig,
  log: Log,
): Promise<House> {
  const belongings = new Belongings();
  const startedMs = systemClock.monotonicMs();
  try {
    const { server, listener } = await build(flags, address, config, log, belongings);
    log('info', 'listening', { url: listener.url, elapsedMs: Math.round(systemClock.monotonicMs() - startedMs) });
    const close = async (): Promise<void> => {
      // It answers while it drains: that it takes no more, and how sagas stand.
      await server.close();
      await listener.close();
      await belongings.return();
    };
    return { url: listener.url, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await belongings.return();
    throw error;
  }
}
