import type { Clock, TimerHandle } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { type Compensations, resolveCompensations } from './compensation.ts';
import { Finisher } from './finisher.ts';
import { HumanQueue, type SagaFirstAttention } from './human-queue.ts';
import type { SagaFirstEvent } from './saga-first-events.ts';
import type { SagaFirstSnapshot, SagaFirstStore } from './saga-first-store.ts';

/** Options of {@link openCompensator}. */
export interface CompensatorOptions {
  /** Where the compensations are registered; others may work on it at the same time. The compensator does not close it. */
  readonly store: SagaFirstStore;
  /** Those that it can finish, by the names they are registered under. */
  readonly compensations: Compensations;
  /** How often it looks for steps whose caller has left them. Default `'1s'`. */
  readonly pollEvery?: Duration;
  /** How many steps it works on at the same time. Default 16. */
  readonly concurrency?: number;
  /** Default nobody. */
  readonly observer?: Observer<SagaFirstEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
  /** Draws jitter. Default {@link systemRandom}. */
  readonly random?: Random;
}

const pageSize = 1000;

/** The defaults of {@link openCompensator}. */
export const compensatorDefaults: { readonly pollEvery: Duration; readonly concurrency: number } = Object.freeze({
  pollEvery: '1s',
  concurrency: 16,
});

/** A compensator that works, made by {@link openCompensator}. */
export interface Compensator {
  /** Looks now, and resolves when everything that is due has been moved as far as it can be. */
  pass(): Promise<void>;
  /** Steps that wait for a person. */
  readonly attention: SagaFirstAttention;
  /** Looks no more; resolves when what it works on has come to a stop. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

class PollingCompensator implements Compensator {
  readonly attention: SagaFirstAttention;
  private readonly store: SagaFirstStore;
  private readonly finisher: Finisher;
  private readonly clock: Clock;
  private readonly observer: Observer<SagaFirstEvent> | undefined;
  private readonly pollEveryMs: number;
  private readonly concurrency: number;
  private timer: TimerHandle;
  private passing: Promise<void> | undefined;
  private closed = false;

  constructor(options: CompensatorOptions) {
    const { store, compensations, observer, clock = systemClock, random = systemRandom } = options;
    const { pollEvery = compensatorDefaults.pollEvery, concurrency = compensatorDefaults.concurrency } = options;
    if (!(Number.isInteger(concurrency) && concurrency >= 1))
      throw new RangeError(`Expected concurrency to be an integer ≥ 1, got ${concurrency}`);
    this.store = store;
    this.clock = clock;
    this.observer = observer;
    this.pollEveryMs = toMs(pollEvery, 'pollEvery');
    this.concurrency = concurrency;
    this.attention = new HumanQueue(store);
    const known = resolveCompensations(compensations);
    this.finisher = new Finisher({ store, compensations: known, clock, random, observer });
    this.arm();
  }

  pass(): Promise<void> {
    this.passing ??= this.passOnce().finally(() => (this.passing = undefined));
    return this.passing;
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    await this.passing?.catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private arm(): void {
    if (this.closed) return;
    this.timer = this.clock.setTimer(this.pollEveryMs, () => void this.poll());
  }

  private async poll(): Promise<void> {
    try {
      await this.pass();
    } catch (error) {
      notify(this.observer, { type: 'compensator.failed', error });
    }
    this.arm();
  }

  private async passOnce(): Promise<void> {
    for (let after = ''; !this.closed; ) {
      const { items, now } = await this.store.list({ statuses: ['registered', 'triggered'], after, limit: pageSize });
      const last = items.at(-1);
      if (last === undefined) return;
      await this.moveAll(items.map((state) => ({ state, now })));
      after = last.id;
    }
  }

  /** Moves each as far as it goes, some at a time; the first failure of the store is told when the others are done. */
  private async moveAll(snapshots: readonly SagaFirstSnapshot[]): Promise<void> {
    const left = snapshots.values();
    const work = async (): Promise<void> => {
      for (const snapshot of left) if (!this.closed) await this.finisher.advance(snapshot);
    };
    const results = await Promise.allSettled(Array.from({ length: this.concurrency }, work));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

/**
 * Starts a compensator: it finishes saga-first steps whose caller has died for good. Once such a call can no longer take
 * effect it asks the participant, if it can be asked, and confirms or undoes; never both, however many compensators and
 * callers work at the same time, since the first decision in the store is the one that holds.
 *
 * @param options.store where the compensations are registered.
 * @param options.compensations those that it can finish, by name; steps of other names it leaves alone, and says so.
 * @returns the compensator, to be closed: `await using compensator = openCompensator({ … })`.
 * @throws {RangeError | TypeError} for options out of range.
 * @example
 * const store = memorySagaFirstStore();
 * await using compensator = openCompensator({ store, compensations: { refund: { compensate: () => 'nothing' } } });
 * await compensator.pass();
 * await compensator.attention.list() // => []
 */
export function openCompensator(options: CompensatorOptions): Compensator {
  return new PollingCompensator(options);
}
