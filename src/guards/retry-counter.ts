import { type Departure, refused } from '../policy/admission.ts';
import { RefusedError } from '../policy/refused-error.ts';
import { checkInteger, outOfRange } from '../options.ts';
import type { CounterEvent } from './guard-events.ts';
import { ObservedGuard, type ObservedGuardOptions } from './observed-guard.ts';
import { count, type FailureTally, type TripRule } from './trip-rule.ts';

// The count is one 32-bit cell that is only ever changed by compare-and-set, in this memory or in one that worker threads
// share. It rises by one at a time and stops at the threshold, so that of any number of threads exactly one sees itself
// reach it. Below the threshold a success sets it back to 0; at the threshold only `reset` does: the call that brings that
// success may have begun long before.

/** Options of {@link retryCounter}. */
export interface RetryCounterOptions extends ObservedGuardOptions<CounterEvent> {
  /** How many failures without a success in between are too many. */
  readonly threshold: number;
  /**
   * Memory for the count, 4 bytes or more, of which the first 4 are used; hand the same to each worker thread, and it is
   * one count. It begins with what is in it: zeros in a new one. Default: memory of its own.
   */
  readonly shared?: SharedArrayBuffer | undefined;
}

/** A retry counter is at its threshold and lets no call in until it is reset. */
export class RetryCounterTrippedError extends RefusedError {
  /** Failures that it took. */
  readonly threshold: number;

  /** @param guard the counter's name. */
  constructor(guard: string, threshold: number) {
    const failures = count(threshold, 'failure');
    super('MAKEGOOD_COUNTER_TRIPPED', `retry counter "${guard}" has reached ${failures}; reset() lets calls in again`, {
      guard,
    });
    this.threshold = threshold;
  }
}

/**
 * Counts failures in a row, exactly, across worker threads; {@link retryCounter} makes one.
 *
 * @example
 * const counter = retryCounter({ threshold: 2 });
 * [counter.raise(), counter.raise(), counter.raise()] // => [false, true, false]
 */
export class RetryCounter extends ObservedGuard<CounterEvent> implements TripRule {
  readonly threshold: number;
  readonly timed: boolean = false;
  private readonly cell: Int32Array;

  constructor(threshold: number, cell: Int32Array, { name = 'retry counter', observer }: RetryCounterOptions) {
    super(name, observer);
    this.threshold = threshold;
    this.cell = cell;
  }

  /** Failures counted now, at most the threshold. */
  get count(): number {
    return Atomics.load(this.cell, 0);
  }

  /** Whether the threshold is reached. */
  get isTripped(): boolean {
    return this.count >= this.threshold;
  }

  /** Counts a failure. `true` for exactly one of all who raise it, in any thread: the one that reached the threshold. */
  raise(): boolean {
    for (let seen = this.count; seen < this.threshold; seen = this.count) {
      if (!this.compareAndSet(seen, seen + 1)) continue;
      if (seen + 1 < this.threshold) return false;
      this.tell({ type: 'counter.tripped', name: this.name, threshold: this.threshold });
      return true;
    }
    return false;
  }

  /** Counts a success: back to 0, unless the threshold is reached. */
  settle(): void {
    for (let seen = this.count; seen > 0 && seen < this.threshold; seen = this.count) {
      if (this.compareAndSet(seen, 0)) return;
    }
  }

  /** Back to 0, also from the threshold. */
  reset(): void {
    Atomics.store(this.cell, 0, 0);
  }

  tryEnter(): number {
    return this.isTripped ? refused : 0;
  }

  leave(_ticket: number, departure: Departure): void {
    if (departure === 'failure') this.raise();
    else if (departure === 'success') this.settle();
  }

  override wouldRefuse(_delayMs: number): boolean {
    return this.isTripped;
  }

  /** The tally of a breaker whose rule this is; the count goes on from where it stands. */
  start(): FailureTally {
    return {
      failuresAt: () => this.count,
      note: (failed) => {
        if (failed) this.raise();
        else this.settle();
        return failed && this.isTripped;
      },
      describe: () => `${count(this.count, 'failure')} on counter "${this.name}"`,
      reset: () => this.reset(),
    };
  }

  protected makeRefusal(): RetryCounterTrippedError {
    return new RetryCounterTrippedError(this.name, this.threshold);
  }

  private compareAndSet(seen: number, next: number): boolean {
    return Atomics.compareExchange(this.cell, 0, seen, next) === seen;
  }
}

/**
 * Makes a retry counter: failures in a row, counted by compare-and-set, so that the count is exact however many calls,
 * or worker threads on one `SharedArrayBuffer`, raise it at once. A success sets it back to 0; at the threshold it stays
 * until it is reset.
 *
 * It is the `trip` rule of a breaker (`circuitBreaker({ trip: counter })`), and part of `coordinatedGuard`. As a policy of
 * its own it is a latch: at the threshold it refuses calls until somebody resets it.
 *
 * @param options.threshold failures that trip it, 1 or more.
 * @param options.shared memory that worker threads share. Default its own.
 * @param options.name in errors and events. Default `'retry counter'`.
 * @throws {TypeError} or {RangeError} when an option is wrong.
 * @example
 * const shared = new SharedArrayBuffer(4);
 * const [here, there] = [retryCounter({ threshold: 5, shared }), retryCounter({ threshold: 5, shared })];
 * here.raise();
 * there.count // => 1
 */
export function retryCounter(options: RetryCounterOptions): RetryCounter {
  const { threshold, shared } = options;
  checkInteger('threshold', threshold, 1);
  if (threshold >= 2 ** 31) throw outOfRange('threshold', 'below 2^31', threshold);
  if (shared !== undefined && !(shared.byteLength >= 4)) {
    throw new TypeError('Expected shared to be a SharedArrayBuffer of 4 bytes or more');
  }
  return new RetryCounter(threshold, new Int32Array(shared ?? new ArrayBuffer(4), 0, 1), options);
}
