import { outOfRange } from '../options.ts';
import { systemRandom } from '../ports/random.ts';
import type { BackoffContext, DescribedBackoff } from './backoff.ts';
import type { BackoffSpec } from './backoff-spec.ts';
import { applyJitter, decorrelatedJitter, type ScheduleJitter } from './jitter.ts';

/** A plain schedule of delays and what makes a backoff of it. */
export interface Schedule {
  /** The delay of each retry without cap and jitter; may overflow to Infinity, never to NaN. */
  readonly plainDelayMs: (retryNumber: number) => number;
  /** No delay is longer, whatever the jitter. */
  readonly maxDelayMs: number;
  readonly jitter: ScheduleJitter;
  readonly spec: BackoffSpec;
}

/** Makes a backoff of a schedule: capped, then jittered, then capped again, since proportional jitter also lengthens. */
export function jitteredSchedule({ plainDelayMs, maxDelayMs, jitter, spec }: Schedule): DescribedBackoff {
  return boundedBackoff(maxDelayMs, spec, (retryNumber, context) =>
    applyJitter(Math.min(plainDelayMs(retryNumber), maxDelayMs), jitter, context?.random ?? systemRandom),
  );
}

/** Makes a backoff whose delays grow from one another by chance, from options that were read already. */
export function decorrelatedSchedule(initialDelayMs: number, maxDelayMs: number, spec: BackoffSpec): DescribedBackoff {
  return boundedBackoff(maxDelayMs, spec, (_retryNumber, context) => {
    // A previous delay below the start (a Retry-After of 0, a NaN) would shrink the range to nothing or turn it round.
    const previousDelayMs = Math.max(initialDelayMs, context?.previousDelayMs || 0);
    return decorrelatedJitter(initialDelayMs, previousDelayMs, context?.random ?? systemRandom);
  });
}

/** Makes a backoff of a function of delays: the retry number is checked, the delay is held in [0, maxDelayMs]. */
function boundedBackoff(
  maxDelayMs: number,
  spec: BackoffSpec,
  nextDelayMs: (retryNumber: number, context?: BackoffContext) => number,
): DescribedBackoff {
  const described = Object.freeze({ ...spec });
  return {
    delayMs(retryNumber, context) {
      if (!Number.isInteger(retryNumber) || retryNumber < 1) {
        throw outOfRange('retryNumber', 'an integer ≥ 1', retryNumber);
      }
      return Math.max(0, Math.min(nextDelayMs(retryNumber, context), maxDelayMs));
    },
    describe: () => described,
  };
}

/**
 * Checks that a backoff can start below its cap.
 *
 * @throws {RangeError} when `initialDelayMs` is above `maxDelayMs`.
 */
export function checkCap(initialDelayMs: number, maxDelayMs: number): void {
  if (initialDelayMs > maxDelayMs) {
    throw outOfRange('maxDelay', `at least initialDelay (${initialDelayMs} ms)`, `${maxDelayMs} ms`);
  }
}
