import { MakegoodError } from '../../../errors.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { PooledConnection, PostgresClient, PostgresPool, PostgresResult } from '../postgres-client.ts';

/** Thrown when PostgreSQL did not answer in time; the connection is closed, and whether the statement took effect is unknown. */
export class PostgresSilentError extends MakegoodError {
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super('MAKEGOOD_POSTGRES_SILENT', `PostgreSQL did not answer in ${timeoutMs} ms; the connection was closed`);
    this.timeoutMs = timeoutMs;
  }
}

const ignore = (): void => undefined;

/** Errors of statements that say nothing about what was asked: whoever meets one later can tell where it came from. */
const unanswered = new WeakSet<Error>();

/** Whether an error is that of a statement which the server did not carry out or answer for now, and will when asked again. */
export function isStoreTrouble(error: unknown): boolean {
  return error instanceof Error && unanswered.has(error);
}

/**
 * Statements on connections that a pool lends, at most a few at once, each with a time limit of our own: node-postgres
 * waits for ever on a peer that is dead (brianc/node-postgres#3399, #1942), and the pool for a connection to it.
 */
export class StatementLine {
  private readonly pool: PostgresPool;
  private readonly clock: Clock;
  private readonly timeoutMs: number;
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(pool: PostgresPool, clock: Clock, bounds: { readonly connections: number; readonly timeoutMs: number }) {
    this.pool = pool;
    this.clock = clock;
    this.timeoutMs = bounds.timeoutMs;
    this.free = bounds.connections;
  }

  /** Carries one statement out, in a transaction of its own; resolves with its rows. */
  async run<Row>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    if (this.free === 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.free--;
    try {
      return (await this.ask(text, values)).rows as readonly Row[];
    } catch (error) {
      if (error instanceof Error && troubleOf(error) === 'passing') unanswered.add(error);
      throw error;
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }

  private async ask(text: string, values: unknown[]): Promise<PostgresResult> {
    const { clock, timeoutMs } = this;
    const late = Promise.withResolvers<never>();
    const timer = clock.setTimer(timeoutMs, () => late.reject(new PostgresSilentError(timeoutMs)));
    try {
      const client = await this.connect(late.promise);
      return await query(client, late.promise, text, values);
    } finally {
      clock.clearTimer(timer);
    }
  }

  private async connect(late: Promise<never>): Promise<PostgresClient & PooledConnection> {
    const connecting = this.pool.connect();
    try {
      return await Promise.race([connecting, late]);
    } catch (error) {
      // It may still come, and must then go back.
      connecting.then((client) => client.release(), ignore);
      throw error;
    }
  }
}

async function query(
  client: PostgresClient & PooledConnection,
  late: Promise<never>,
  text: string,
  values: unknown[],
): Promise<PostgresResult> {
  // The loss of a connection is told to the statement in hand; told to nobody it would end the process.
  client.on?.('error', ignore);
  const asked = client.query(text, values);
  try {
    const result = await Promise.race([asked, late]);
    client.off?.('error', ignore);
    client.release();
    return result;
  } catch (error) {
    asked.catch(ignore);
    // After an error that the server itself answered with, the connection is as good as before.
    const answered = sqlStateOf(error) !== undefined && !meansGone(error);
    if (answered) client.off?.('error', ignore);
    client.release(!answered);
    throw error;
  }
}

/** The five characters by which PostgreSQL names an error; `undefined` for an error that is not its own. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) && !error.code.startsWith('E')
    ? error.code
    : undefined;
}

/** Whether the server that answered is shutting down, or has become one that only reads: ask another. */
function meansGone(error: unknown): boolean {
  const state = sqlStateOf(error) ?? '';
  return state === '25006' || state.startsWith('57P') || state.startsWith('08');
}

/**
 * What an error of a statement means for whoever sent it.
 *
 * `passing`: the statement says nothing about what is to be written; ask again. `refused`: something in it cannot be kept.
 * `fatal`: it will be answered so every time.
 */
export function troubleOf(error: unknown): 'passing' | 'refused' | 'fatal' {
  const state = sqlStateOf(error);
  if (state === undefined) return 'passing';
  // Memory that one large statement exhausts (53200) is enough for two small ones.
  if (/^(?:22|23|54|XX)/.test(state) || state === '53200') return 'refused';
  // Lost and ending connections, rollbacks, exhausted resources, locks, operators, files; and a standby (25006).
  return /^(?:08|40|53|55|57|58)/.test(state) || state === '25006' ? 'passing' : 'fatal';
}
