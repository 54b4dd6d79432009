import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { sleepMs } from '../time/sleep.ts';
import type { Broker } from './broker.ts';
import type { ChoreographyEvent } from './choreography-events.ts';
import type { Outbox } from './outbox.ts';

/** Options of {@link openRelay}. */
export interface RelayOptions {
  readonly outbox: Pick<Outbox<never>, 'relay'>;
  readonly broker: Pick<Broker, 'publish'>;
  /** How often it looks when nobody wakes it. Default `'500ms'`. */
  readonly pollEvery?: Duration;
  /** How many messages at a time. Default 500. */
  readonly limit?: number;
  readonly observer?: Observer<ChoreographyEvent> | undefined;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/** A relay that works, made by {@link openRelay}. */
export interface Relay {
  /** Something was added: look now. */
  wake(): void;
  /** Looks no more; resolves when what it is publishing is published or has failed. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const longestPauseMs = 5000;

class PollingRelay implements Relay {
  private readonly options: RelayOptions;
  private readonly clock: Clock;
  private readonly pollEveryMs: number;
  private readonly limit: number;
  private readonly closing = new AbortController();
  private readonly ended: Promise<void>;
  private resting = new AbortController();
  private isWoken = false;

  constructor(options: RelayOptions) {
    const { clock = systemClock, pollEvery = '500ms', limit = 500 } = options;
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`Expected limit to be an integer ≥ 1, got ${limit}`);
    this.options = options;
    this.clock = clock;
    this.pollEveryMs = toMs(pollEvery, 'pollEvery');
    this.limit = limit;
    this.ended = this.work();
  }

  wake(): void {
    this.isWoken = true;
    this.resting.abort();
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.wake();
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async work(): Promise<void> {
    const { outbox, broker, observer } = this.options;
    for (let failures = 0; !this.closing.signal.aborted; ) {
      this.isWoken = false;
      try {
        const { sent, nextDueMs = Infinity } = await outbox.relay((messages) => broker.publish(messages), this.limit);
        failures = 0;
        if (sent < this.limit) await this.rest(Math.min(this.pollEveryMs, nextDueMs));
      } catch (error) {
        if (this.closing.signal.aborted) return;
        notify(observer, { type: 'choreography.relay-failed', error });
        await this.rest(Math.min(longestPauseMs, this.pollEveryMs * 2 ** failures++));
      }
    }
  }

  private async rest(ms: number): Promise<void> {
    if (this.isWoken) return;
    this.resting = new AbortController();
    await sleepMs(ms, this.clock, this.resting.signal).catch(() => undefined);
  }
}

/**
 * Starts a relay: it publishes what transactions have put into an outbox, in the order of their commits, until it is
 * closed. Any number may run on one outbox; one of them works.
 *
 * @param options.pollEvery how often it looks when nobody wakes it. Default `'500ms'`.
 * @throws {RangeError | TypeError} for options out of range.
 * @example
 * const { outbox } = memoryLedger();
 * await using relay = openRelay({ outbox, broker: memoryBroker() });
 * relay.wake() // => undefined
 */
export function openRelay(options: RelayOptions): Relay {
  return new PollingRelay(options);
}
