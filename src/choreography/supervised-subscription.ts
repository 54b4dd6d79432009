import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { sleepMs } from '../time/sleep.ts';
import type { Subscription } from './broker.ts';
import type { ChoreographyEvent } from './choreography-events.ts';

/** One connected consumer: from joining its group to losing it. */
export interface ConsumerSession {
  /** Settles when the session has ended by itself; a rejection tells why. */
  readonly ended: Promise<void>;
  /** When the broker was last heard of, as `clock.monotonicMs()` shows it. An empty answer counts too. */
  heardAtMs(): number;
  /** Takes no more and resolves when what is in hand has ended; `abort` when the right to it is lost already. */
  stop(options: { readonly abort: boolean }): Promise<void>;
}

/** What a supervised subscription needs. */
export interface SupervisedOptions {
  readonly connect: () => Promise<ConsumerSession>;
  readonly stallAfterMs: number;
  readonly clock: Clock;
  readonly observer: Observer<ChoreographyEvent> | undefined;
  /** What it consumes, for events. */
  readonly topic: string;
  readonly group: string;
}

const longestPauseMs = 5000;

/**
 * Keeps a consumer consuming. Clients of brokers have been seen to stop without a word, after a reconnect or a rebalance
 * (confluent-kafka-javascript#476, nats.go#1729, nats.node#570), so one that hears nothing is taken for dead, and a new
 * one takes its place only when the old one's handlers have ended: never two at the same message in one process.
 */
export class SupervisedSubscription implements Subscription {
  private readonly options: SupervisedOptions;
  private readonly closing = new AbortController();
  private session: ConsumerSession | undefined;
  private rebuilt = 0;
  private ended: Promise<void> | undefined;

  constructor(options: SupervisedOptions) {
    this.options = options;
  }

  get state(): Subscription['state'] {
    if (this.closing.signal.aborted) return 'closed';
    return this.session === undefined ? 'reconnecting' : 'consuming';
  }

  get restarts(): number {
    return this.rebuilt;
  }

  /** Connects, for the first time; what goes wrong now is the caller's to know. */
  async start(): Promise<this> {
    this.session = await this.options.connect();
    this.ended = this.supervise();
    return this;
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async supervise(): Promise<void> {
    for (let failures = 0; !this.closing.signal.aborted; ) {
      this.session ??= await this.reconnect(failures);
      if (this.session === undefined) {
        failures++;
        continue;
      }
      failures = 0;
      const end = await this.endOf(this.session);
      await this.session.stop({ abort: end !== undefined }).catch((error: unknown) => this.tell(error));
      this.session = undefined;
      if (end === undefined) return;
      this.rebuilt++;
      this.tell(end);
    }
  }

  private async reconnect(failures: number): Promise<ConsumerSession | undefined> {
    try {
      await sleepMs(Math.min(longestPauseMs, 100 * 2 ** failures), this.options.clock, this.closing.signal);
      return await this.options.connect();
    } catch (error) {
      if (!this.closing.signal.aborted) this.tell(error);
      return undefined;
    }
  }

  /** Why the session is over; `undefined` when it is because the subscription is closed. */
  private async endOf(session: ConsumerSession): Promise<unknown> {
    const watching = new AbortController();
    const end = session.ended.then(
      () => new Error('the consumer has ended by itself'),
      (error: unknown) => error ?? new Error('the consumer has ended'),
    );
    const first = await Promise.race([end, this.watch(session, watching.signal), this.closed()]);
    watching.abort();
    return first;
  }

  private async watch(session: ConsumerSession, signal: AbortSignal): Promise<unknown> {
    const { clock, stallAfterMs } = this.options;
    for (;;) {
      const silentMs = clock.monotonicMs() - session.heardAtMs();
      if (silentMs >= stallAfterMs) return new Error(`nothing was heard of the broker for ${Math.round(silentMs)} ms`);
      try {
        await sleepMs(Math.max(1, stallAfterMs - silentMs), clock, signal);
      } catch {
        return undefined;
      }
    }
  }

  private closed(): Promise<undefined> {
    const { signal } = this.closing;
    if (signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
  }

  private tell(error: unknown): void {
    const { topic, group, observer } = this.options;
    notify(observer, { type: 'choreography.consumer-restarted', topic, group, error });
  }
}
