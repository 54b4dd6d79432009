import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toPositiveMs } from '../time/duration.ts';
import { checkNumber } from '../options.ts';

// A bucket of tokens. Fresh calls deposit `ratio` tokens each; time adds what they fall short of `minPerSecond` a second; a
// retry takes one, and the bucket never holds more than its capacity. So over any window of W seconds, whatever the callee does,
//   retries ≤ capacity + ratio · fresh calls + minPerSecond · W
// without the last term where a steady stream of calls pays that much itself: many processes do not each have a minimum on
// top of their share. That, not the kind of jitter, is what lets an overloaded callee recover (Finagle "RetryBudget"; Google SRE book,
// ch. 21 "Handling Overload").

/** Options of {@link retryBudget}. */
export interface RetryBudgetOptions {
  /** How many retries each fresh call pays for: 0.1 allows one retry in ten calls. Default 0.1. */
  readonly ratio?: number;
  /** Retries a second that are allowed however few calls there are; time adds what the calls do not pay. Default 1. */
  readonly minPerSecond?: number;
  /** How long unused allowance is kept: the bucket holds `minPerSecond` × `window`, at least 1. Default `'10s'`. */
  readonly window?: Duration;
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock;
}

/** Defaults of {@link retryBudget}: ten retries at once, then one in ten calls, and one a second at least. */
export const retryBudgetDefaults: Readonly<Required<Omit<RetryBudgetOptions, 'clock'>>> = Object.freeze({
  ratio: 0.1,
  minPerSecond: 1,
  window: '10s',
});

/** A retry budget as it stands, as plain data. */
export interface RetryBudgetSnapshot {
  /** Retries that could be made now; may have a fraction. */
  readonly tokens: number;
  /** The most it ever holds. */
  readonly capacity: number;
  /** Retries it has allowed so far, those given back not counted. */
  readonly granted: number;
  /** Retries it has refused so far. */
  readonly refused: number;
}

/**
 * An allowance of retries that many calls share: retries stay a fraction of the calls, so that they cannot become the
 * load that keeps a struggling callee down. Share one among all calls to the same callee.
 *
 * An implementer keeps: a retry is made only after `withdraw` has returned `true`; tokens are never negative and never
 * above the capacity.
 */
export interface RetryBudget {
  /** Notes a fresh call, which pays for a part of a retry. */
  deposit(): void;
  /** Reserves one retry, before the wait for it; `false` when there is none left. */
  withdraw(): boolean;
  /** Gives a reserved retry back that was not made after all. */
  giveBack(): void;
  /** How it stands now. */
  snapshot(): RetryBudgetSnapshot;
}

// Ten deposits of 0.1 are 0.9999999999999999 in binary, and are meant to be 1.
const rounding = 1e-9;

class TokenBucket implements RetryBudget {
  private readonly ratio: number;
  private readonly minPerSecond: number;
  private readonly capacity: number;
  private readonly clock: Clock;
  private tokens: number;
  /** What calls have paid in: so much less does time. A second's worth at most, so that it soon does when they stop. */
  private ahead = 0;
  private refilledAtMs: number;
  private granted = 0;
  private refused = 0;

  constructor(ratio: number, minPerSecond: number, capacity: number, clock: Clock) {
    this.ratio = ratio;
    this.minPerSecond = minPerSecond;
    this.capacity = capacity;
    this.clock = clock;
    this.tokens = capacity;
    this.refilledAtMs = clock.monotonicMs();
  }

  // Reads no clock, for it is on the path of every call: capped sums of what is added may be taken in any order.
  deposit(): void {
    this.tokens = Math.min(this.capacity, this.tokens + this.ratio);
    this.ahead = Math.min(this.minPerSecond, this.ahead + this.ratio);
  }

  withdraw(): boolean {
    this.refill();
    if (this.tokens + rounding < 1) {
      this.refused += 1;
      return false;
    }
    this.tokens = Math.max(0, this.tokens - 1);
    this.granted += 1;
    return true;
  }

  giveBack(): void {
    this.tokens = Math.min(this.capacity, this.tokens + 1);
    this.granted -= 1;
  }

  snapshot(): RetryBudgetSnapshot {
    this.refill();
    const { tokens, capacity, granted, refused } = this;
    return { tokens, capacity, granted, refused };
  }

  private refill(): void {
    const nowMs = this.clock.monotonicMs();
    const dueTokens = (Math.max(0, nowMs - this.refilledAtMs) * this.minPerSecond) / 1000;
    const paidTokens = Math.min(this.ahead, dueTokens);
    this.ahead -= paidTokens;
    this.tokens = Math.min(this.capacity, this.tokens + dueTokens - paidTokens);
    this.refilledAtMs = nowMs;
  }
}

/**
 * Makes a retry budget: a token bucket that starts full.
 *
 * Over any window of W seconds no more than capacity + `minPerSecond` · W + `ratio` · fresh calls are allowed, where the
 * capacity is `minPerSecond` × `window`, at least 1; and where calls pay `minPerSecond` a second themselves, time adds none.
 *
 * @param options.ratio retries that each fresh call pays for, 0 or more. Default 0.1.
 * @param options.minPerSecond retries a second that there are at least, 0 or more. Default 1.
 * @param options.window how long unused allowance is kept. Default `'10s'`.
 * @throws {RangeError} when a number is negative or not finite, or the window is 0.
 * @see Google SRE book, chapter 21 "Handling Overload", and Finagle's RetryBudget.
 * @example
 * retryBudget().snapshot().tokens // => 10
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const {
    ratio = retryBudgetDefaults.ratio,
    minPerSecond = retryBudgetDefaults.minPerSecond,
    window = retryBudgetDefaults.window,
    clock = systemClock,
  } = options;
  checkNumber('ratio', ratio, 0);
  checkNumber('minPerSecond', minPerSecond, 0);
  const windowMs = toPositiveMs(window, 'window');
  // Without a place for one whole token nothing could ever be saved up for a retry.
  return new TokenBucket(ratio, minPerSecond, Math.max(1, (minPerSecond * windowMs) / 1000), clock);
}
