import type { Random } from '../ports/random.ts';
import type { BackoffSpec } from './backoff-spec.ts';

/** What a backoff may know of the call it waits for. Everything is optional. */
export interface BackoffContext {
  /** The wait before the previous retry, in milliseconds, as it was really used; `undefined` before the first retry. */
  readonly previousDelayMs?: number | undefined;
  /** Where jitter is drawn from. Default the system's random source. */
  readonly random?: Random;
}

/**
 * How long to wait before a retry.
 *
 * An implementer keeps: no state and no clock, so that the same arguments and draws give the same delay; the delay is
 * finite and 0 or more for every retry number up to 2^53; nothing is drawn but from `context.random`.
 */
export interface Backoff {
  /**
   * The wait before retry number `retryNumber`, in milliseconds, possibly with a fraction.
   *
   * @param retryNumber 1 for the first retry, which is the second attempt.
   * @throws {RangeError} when `retryNumber` is not an integer ≥ 1.
   */
  delayMs(retryNumber: number, context?: BackoffContext): number;
  /** The backoff as plain JSON, where it can be told; see {@link DescribedBackoff}. */
  describe?(): BackoffSpec;
}

/** A backoff of this package: it can say what it is, so that it can be stored, compared and sent. */
export interface DescribedBackoff extends Backoff {
  /** The backoff as plain JSON with every option in it; `backoffFrom` makes an equal backoff of it. */
  describe(): BackoffSpec;
}
