import { type Departure, refused } from '../policy/admission.ts';
import { RefusedError } from '../policy/refused-error.ts';
import type { ErrorTest } from '../predicate/predicate.ts';
import type { Clock } from '../ports/clock.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toPositiveMs } from '../time/duration.ts';
import { checkFunction, checkMethod, checkNumber, checkRatio } from '../options.ts';
import type { ThrottleEvent } from './guard-events.ts';
import { ObservedGuard, type ObservedGuardOptions } from './observed-guard.ts';
import { rejectionRatio, remembered } from './throttle-state.ts';

/** Options of {@link adaptiveThrottle}. */
export interface AdaptiveThrottleOptions extends ObservedGuardOptions<ThrottleEvent> {
  /** How many calls may be made for each one that the callee accepts, 1 or more. Default 2. */
  readonly k?: number | undefined;
  /** How long what happened is remembered, more or less. Default `'2s'`. */
  readonly window?: Duration | undefined;
  /** The share of calls that always passes, so that it is noticed when the callee is back. Default 0.1. */
  readonly floor?: number | undefined;
  /** Which errors mean that the callee did not accept the call; others are answers. Default: every error. */
  readonly isFailure?: ErrorTest | undefined;
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock | undefined;
  /** What decides which calls pass. Default the system's random source. */
  readonly random?: Random | undefined;
}

/** Defaults of {@link adaptiveThrottle}. */
export const adaptiveThrottleDefaults: { readonly k: number; readonly window: Duration; readonly floor: number } =
  /* @__PURE__ */ Object.freeze({ k: 2, window: '2s', floor: 0.1 });

/** An adaptive throttle as it stands, as plain data. */
export interface AdaptiveThrottleSnapshot {
  /** Calls that wanted to be made of late, refused ones included; older ones weigh less. */
  readonly requests: number;
  /** Those of them that the callee accepted. */
  readonly accepts: number;
  /** The share of calls that is refused now, 0 to 1. */
  readonly rejectionRatio: number;
}

/** An adaptive throttle did not let the call in: the callee accepts too few of late. */
export class ThrottledError extends RefusedError {
  /** The share of calls that was refused at that time, 0 to 1. */
  readonly rejectionRatio: number;

  /** @param guard the throttle's name. */
  constructor(guard: string, ratio: number) {
    const percent = Math.round(ratio * 100);
    super('MAKEGOOD_THROTTLED', `throttle "${guard}" refuses ${percent} % of calls, for too few were accepted`, {
      guard,
    });
    this.rejectionRatio = ratio;
  }
}

/**
 * Refuses a share of the calls to a callee that accepts too few; {@link adaptiveThrottle} makes one.
 *
 * @example
 * adaptiveThrottle().snapshot() // => { requests: 0, accepts: 0, rejectionRatio: 0 }
 */
export class AdaptiveThrottle extends ObservedGuard<ThrottleEvent> {
  private readonly k: number;
  private readonly windowMs: number;
  private readonly floor: number;
  private readonly isFailure: ErrorTest | undefined;
  private readonly clock: Clock;
  private readonly random: Random;
  private requests = 0;
  private accepts = 0;
  private seenAtMs = 0;

  constructor(
    rule: { readonly k: number; readonly windowMs: number; readonly floor: number },
    options: AdaptiveThrottleOptions,
  ) {
    super(options.name ?? 'throttle', options.observer);
    this.k = rule.k;
    this.windowMs = rule.windowMs;
    this.floor = rule.floor;
    this.isFailure = checkFunction('isFailure', options.isFailure);
    this.clock = checkMethod('clock', options.clock ?? systemClock, 'monotonicMs', 'a Clock');
    this.random = checkFunction('random', options.random ?? systemRandom);
  }

  // While enough is accepted neither clock nor chance is asked: what is forgotten does not change which of two sums is
  // the larger.
  tryEnter(): number {
    if (this.requests <= this.k * this.accepts) return 0;
    this.forget();
    if (this.random() >= this.ratio) return 0;
    this.requests += 1;
    return refused;
  }

  // A call counts when it ends: one that is under way is neither accepted nor not.
  leave(_ticket: number, departure: Departure, error?: unknown): void {
    if (departure !== 'success' && departure !== 'failure') return;
    this.forget();
    this.requests += 1;
    if (departure === 'success' || !this.countsAsFailure(this.isFailure, error)) this.accepts += 1;
  }

  /** How it stands now. */
  snapshot(): AdaptiveThrottleSnapshot {
    this.forget();
    const { requests, accepts, ratio } = this;
    return { requests, accepts, rejectionRatio: ratio };
  }

  protected makeRefusal(): ThrottledError {
    return new ThrottledError(this.name, this.ratio);
  }

  private get ratio(): number {
    return rejectionRatio(this.requests, this.accepts, this.k, this.floor);
  }

  private forget(): void {
    const nowMs = this.clock.monotonicMs();
    const left = remembered(nowMs - this.seenAtMs, this.windowMs);
    this.requests *= left;
    this.accepts *= left;
    this.seenAtMs = nowMs;
  }
}

/**
 * Makes an adaptive throttle, for a callee that is overloaded rather than down: as long as it accepts half of the calls
 * (`k` = 2) all are made; when it accepts less, only about `k` times as many as it accepts, and the rest is refused here
 * with a {@link ThrottledError}, which costs the callee nothing. It needs no threshold and no limit to be guessed.
 *
 * A share of calls, `floor`, always passes. Without it, recovery would take as long as the memory of the outage lasts.
 *
 * @param options.k calls made for each one accepted, 1 or more. Default 2.
 * @param options.window how long what happened is remembered. Default `'2s'`.
 * @param options.floor the share of calls that always passes, above 0 and up to 1. Default 0.1.
 * @param options.isFailure which errors mean "not accepted". Default: every error; aborts and refusals never do.
 * @param options.name what it protects; in errors and events. Default `'throttle'`.
 * @throws {TypeError} or {RangeError} when an option is wrong.
 * @see Google SRE book, chapter 21 "Handling Overload", "Client-Side Throttling".
 * @example
 * await adaptiveThrottle({ name: 'search' }).execute(() => 'found') // => 'found'
 */
export function adaptiveThrottle(options: AdaptiveThrottleOptions = {}): AdaptiveThrottle {
  const {
    k = adaptiveThrottleDefaults.k,
    window = adaptiveThrottleDefaults.window,
    floor = adaptiveThrottleDefaults.floor,
  } = options;
  checkNumber('k', k, 1);
  const windowMs = toPositiveMs(window, 'window');
  checkRatio('floor', floor);
  return new AdaptiveThrottle({ k, windowMs, floor }, options);
}
