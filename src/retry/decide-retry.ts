import type { Backoff } from '../backoff/backoff.ts';
import { exponential, exponentialDefaults } from '../backoff/exponential.ts';
import type { ErrorTest } from '../predicate/predicate.ts';
import { isTransient } from '../predicate/transient.ts';
import { checkInteger, outOfRange, wrongType } from '../options.ts';
import type { Random } from '../ports/random.ts';
import { retryAfterMs } from './retry-after.ts';

/** What decides whether a failed attempt is followed by another, and when. */
export interface RetryOptions {
  /** How often the function may be called in all, the first call included: 4 means three waits. Default 4. */
  readonly maxAttempts?: number;
  /** How long to wait before each retry. Default `exponential()`: 100 ms doubling up to 5 s, full jitter. */
  readonly backoff?: Backoff;
  /** Which errors may be retried; all others end the call at once. Default {@link isTransient}. */
  readonly retryable?: ErrorTest;
  /** Whether a server's `Retry-After` lengthens the wait; it never shortens it. Default `true`. */
  readonly respectRetryAfter?: boolean;
}

/** {@link RetryOptions} checked and complete. */
export interface RetryRules {
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  readonly retryable: ErrorTest;
  readonly respectRetryAfter: boolean;
}

/** Defaults of every retry. An error nobody knows is not retried. */
export const retryDefaults: RetryRules = /* @__PURE__ */ Object.freeze({
  maxAttempts: 4,
  backoff: /* @__PURE__ */ exponential(exponentialDefaults),
  retryable: isTransient,
  respectRetryAfter: true,
});

/** An attempt that failed, as far as the decision depends on it. */
export interface FailedAttempt {
  /** What it threw. */
  readonly error: unknown;
  /** Which attempt it was, from 1. */
  readonly number: number;
  /** The wait before this attempt, in ms, as it was really used; `undefined` for the first. */
  readonly previousDelayMs: number | undefined;
  /** Time left until the deadline, in ms; `Infinity` when there is none. */
  readonly remainingMs: number;
  /** Wall-clock time in ms since 1970, for a `Retry-After` that is a date; without it, only a `Date` header serves. */
  readonly now?: number | undefined;
}

/** Why there is no retry. */
export type RetryRefusal = 'not-retryable' | 'attempts-exhausted' | 'deadline';

/** What follows a failed attempt: another one after `delayMs`, or the end. */
export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number }
  | {
      readonly retry: false;
      readonly reason: RetryRefusal;
      /** What `retryable` or the backoff threw; such a failure is not retried. */
      readonly fault?: unknown;
    };

const notRetryable: RetryDecision = /* @__PURE__ */ Object.freeze({ retry: false, reason: 'not-retryable' });
const attemptsExhausted: RetryDecision = /* @__PURE__ */ Object.freeze({ retry: false, reason: 'attempts-exhausted' });
const pastDeadline: RetryDecision = /* @__PURE__ */ Object.freeze({ retry: false, reason: 'deadline' });

/**
 * Decides what follows a failed attempt. The one retry decision of the house: the loop in memory sleeps on its answer,
 * the durable saga records it. Pure but for what it draws from `random`; it never throws.
 *
 * The wait is the backoff's, or longer when the server asked for more: `Retry-After` is a floor that no `maxDelay` caps.
 * A wait that would reach the deadline is refused, since the attempt after it could not be made.
 *
 * @example
 * decideRetry(
 *   { error: { status: 503 }, number: 4, previousDelayMs: 400, remainingMs: Infinity }, retryDefaults, Math.random,
 * ) // => { retry: false, reason: 'attempts-exhausted' }
 */
export function decideRetry(failed: FailedAttempt, rules: RetryRules, random: Random): RetryDecision {
  try {
    if (!rules.retryable(failed.error)) return notRetryable;
    if (failed.number >= rules.maxAttempts) return attemptsExhausted;
    const backoffMs = backoffDelayMs(failed, rules.backoff, random);
    const askedMs = rules.respectRetryAfter ? retryAfterMs(failed.error, failed.now) : undefined;
    const delayMs = askedMs === undefined ? backoffMs : Math.max(backoffMs, askedMs);
    return delayMs < failed.remainingMs ? { retry: true, delayMs } : pastDeadline;
  } catch (fault) {
    // A fault in the caller's rules must not hide the operation's own error, so it travels beside it.
    return { retry: false, reason: 'not-retryable', fault };
  }
}

function backoffDelayMs({ number, previousDelayMs }: FailedAttempt, backoff: Backoff, random: Random): number {
  const delayMs = backoff.delayMs(number, { previousDelayMs, random });
  if (delayMs >= 0 && delayMs < Infinity) return delayMs;
  throw outOfRange(`backoff.delayMs(${number})`, 'finite and 0 ms or more', delayMs);
}

/**
 * Checks retry options and fills in the defaults, once, where they enter.
 *
 * @throws {RangeError} when `maxAttempts` is not an integer of 1 or more.
 * @throws {TypeError} when another option is not of its kind.
 * @example
 * resolveRetryRules({ maxAttempts: 2 }).respectRetryAfter // => true
 */
export function resolveRetryRules(options: RetryOptions = {}): RetryRules {
  const {
    maxAttempts = retryDefaults.maxAttempts,
    backoff = retryDefaults.backoff,
    retryable = retryDefaults.retryable,
    respectRetryAfter = retryDefaults.respectRetryAfter,
  } = options;
  checkInteger('maxAttempts', maxAttempts, 1);
  if (typeof backoff?.delayMs !== 'function')
    throw wrongType('backoff', 'an object with delayMs(retryNumber)', backoff);
  if (typeof retryable !== 'function') throw wrongType('retryable', 'a function of an error', retryable);
  if (typeof respectRetryAfter !== 'boolean') throw wrongType('respectRetryAfter', 'true or false', respectRetryAfter);
  return Object.freeze({ maxAttempts, backoff, retryable, respectRetryAfter });
}
