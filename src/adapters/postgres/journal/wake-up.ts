/**
 * Hints between nodes, so that none has to ask the server all the time: LISTEN and NOTIFY on one channel of the journal.
 * They may be lost, doubled or late; everything they hint at is also asked for now and then.
 *
 * A payload is a list of hints: `s3` there is news for the owner of shard 3; `e3` a saga of shard 3 has settled; `a7` there
 * is an answer for node 7; `f` a shard is free; `t…` somebody finds out whether hints arrive. A node sends at most twenty
 * payloads a second, never within an append: a NOTIFY in every commit takes a lock of the whole database (3.6 times
 * slower, measured).
 */
import type { Clock, TimerHandle } from '../../../ports/clock.ts';
import { type Random, uniqueId } from '../../../ports/random.ts';
import { sleepMs } from '../../../time/sleep.ts';
import type { PooledConnection, PostgresClient, PostgresPool } from '../postgres-client.ts';
import type { StatementLine } from './statement-line.ts';

const quietMs = 50;
const longestPayload = 4000;
const probeMs = 2000;
const retryMs = 5000;

interface NotificationSource {
  on?(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown;
}

export class WakeUp {
  /** Whether hints arrive; then polling may be slow. */
  works = false;
  private readonly pool: PostgresPool;
  private readonly line: StatementLine;
  private readonly clock: Clock;
  private readonly channel: string;
  private readonly onHints: (hints: readonly string[]) => void;
  private readonly closing = new AbortController();
  private readonly random: Random;
  private waiting = new Set<string>();
  private timer: TimerHandle;
  private sentMs = -Infinity;
  private listening: Promise<void> | undefined;

  constructor(parts: {
    readonly pool: PostgresPool;
    readonly line: StatementLine;
    readonly clock: Clock;
    readonly random: Random;
    readonly channel: string;
    readonly onHints: (hints: readonly string[]) => void;
  }) {
    this.pool = parts.pool;
    this.line = parts.line;
    this.clock = parts.clock;
    this.random = parts.random;
    this.channel = parts.channel;
    this.onHints = parts.onHints;
  }

  /** Hints that something has happened; together with what else happens in a moment. */
  tell(hint: string): void {
    if (this.closing.signal.aborted) return;
    this.waiting.add(hint);
    if (this.timer !== undefined) return;
    const delayMs = Math.max(0, this.sentMs + quietMs - this.clock.monotonicMs());
    this.timer = this.clock.setTimer(delayMs, () => {
      this.timer = undefined;
      void this.send();
    });
  }

  /** Sends what waits. A hint that cannot be sent is one that is lost. */
  async send(): Promise<void> {
    if (this.waiting.size === 0) return;
    const payload = [...this.waiting].join(' ');
    this.waiting = new Set();
    this.sentMs = this.clock.monotonicMs();
    const text = payload.length > longestPayload ? '*' : payload;
    await this.notify(text).catch(() => undefined);
  }

  private async notify(payload: string): Promise<void> {
    // The name of a channel as an identifier, without its quotes.
    await this.line.run('SELECT pg_notify($1, $2)', [this.channel.slice(1, -1), payload]);
  }

  /** Listens until closed, on a connection of its own; again after a while when it is lost, or does not work. */
  listen(): Promise<void> {
    this.listening ??= this.listenOn();
    return this.listening;
  }

  private async listenOn(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      await this.listenOnce().catch(() => undefined);
      this.works = false;
      await sleepMs(retryMs, this.clock, signal).catch(() => undefined);
    }
  }

  private async listenOnce(): Promise<void> {
    // Only `pg` has notifications, and a pool of another kind is one whose hints do not arrive.
    const client = (await this.pool.connect()) as PooledConnection & PostgresClient & NotificationSource;
    const gone = Promise.withResolvers<void>();
    const proof = `t${uniqueId(this.random)}`;
    const proven = Promise.withResolvers<void>();
    client.on?.('error', () => gone.resolve());
    client.on?.('notification', ({ payload = '' }) => {
      const hints = payload.split(' ');
      if (hints.includes(proof)) proven.resolve();
      else this.onHints(hints);
    });
    this.closing.signal.addEventListener('abort', () => gone.resolve(), { once: true });
    try {
      await client.query(`LISTEN ${this.channel}`);
      // Behind a pooler in transaction mode LISTEN succeeds and nothing ever comes.
      await this.notify(proof);
      const late = sleepMs(probeMs, this.clock, this.closing.signal).then(() => false);
      this.works = await Promise.race([proven.promise.then(() => true), gone.promise.then(() => false), late]);
      if (this.works) await gone.promise;
    } finally {
      // Closed rather than given back: it listens, and has our listeners.
      client.release(true);
    }
  }

  /** Sends what waits, and listens no more. */
  async close(): Promise<void> {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.closing.abort();
    await this.send();
    await this.listening;
  }
}
