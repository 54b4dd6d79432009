import { checkNumber } from '../options.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { DescribedBackoff } from './backoff.ts';
import { type Jitter, readJitter } from './jitter.ts';
import { checkCap, decorrelatedSchedule, jitteredSchedule } from './jittered-schedule.ts';

/** Options of {@link exponential}. */
export interface ExponentialOptions {
  /** The wait before the first retry, before jitter. Default `'100ms'`. */
  readonly initialDelay?: Duration;
  /** What each delay is multiplied by to give the next, 1 or more. Default 2. */
  readonly factor?: number;
  /** No delay is longer than this. Default `'5s'`. */
  readonly maxDelay?: Duration;
  /** How chance spreads the delays. Default `'full'`. With `'decorrelated'` the factor plays no part. */
  readonly jitter?: Jitter;
}

/** Defaults of {@link exponential}, and of `retry`. */
export const exponentialDefaults: Readonly<Required<ExponentialOptions>> = Object.freeze({
  initialDelay: '100ms',
  factor: 2,
  maxDelay: '5s',
  jitter: 'full',
});

/**
 * Waits exponentially longer before each retry: `initialDelay · factor^(n−1)`, never above `maxDelay`, then jittered.
 *
 * @param options.initialDelay wait before the first retry. Default `'100ms'`.
 * @param options.factor growth from one delay to the next, ≥ 1. Default 2.
 * @param options.maxDelay cap of every delay. Default `'5s'`.
 * @param options.jitter spread of the delays. Default `'full'`.
 * @returns a backoff; its delays are milliseconds, in [0, maxDelay].
 * @throws {RangeError} when `factor` is below 1 or infinite, or `maxDelay` below `initialDelay`.
 * @throws {TypeError} when a duration or the jitter cannot be read.
 * @see Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (why jitter is on by default).
 * @example
 * exponential({ initialDelay: '100ms', jitter: 'none' }).delayMs(3) // => 400
 */
export function exponential(options: ExponentialOptions = {}): DescribedBackoff {
  const {
    initialDelay = exponentialDefaults.initialDelay,
    factor = exponentialDefaults.factor,
    maxDelay = exponentialDefaults.maxDelay,
    jitter: givenJitter = exponentialDefaults.jitter,
  } = options;
  const initialDelayMs = toMs(initialDelay, 'initialDelay');
  const maxDelayMs = toMs(maxDelay, 'maxDelay');
  checkCap(initialDelayMs, maxDelayMs);
  const jitter = readJitter(givenJitter);
  checkNumber('factor', factor, 1);
  const spec = { kind: 'exponential', initialDelay: initialDelayMs, factor, maxDelay: maxDelayMs, jitter } as const;
  if (jitter === 'decorrelated') return decorrelatedSchedule(initialDelayMs, maxDelayMs, spec);
  // A power overflows to Infinity, which the cap takes; only 0 · Infinity would be NaN. A shift would wrap at 2^31.
  const plainDelayMs = (retryNumber: number): number =>
    initialDelayMs === 0 ? 0 : initialDelayMs * factor ** (retryNumber - 1);
  return jitteredSchedule({ plainDelayMs, maxDelayMs, jitter, spec });
}
