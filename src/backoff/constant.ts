import { type Duration, toMs } from '../time/duration.ts';
import type { DescribedBackoff } from './backoff.ts';
import { readScheduleJitter, type ScheduleJitter } from './jitter.ts';
import { jitteredSchedule } from './jittered-schedule.ts';

/** Options of {@link constant}. */
export interface ConstantOptions {
  /** How chance spreads the delays. Default `'none'`. */
  readonly jitter?: ScheduleJitter;
}

/** Defaults of {@link constant}: what is written is what is waited. */
export const constantDefaults: Readonly<Required<ConstantOptions>> = Object.freeze({ jitter: 'none' });

/**
 * Waits equally long before each retry.
 *
 * @param delay the wait.
 * @param options.jitter spread of the delays. Default `'none'`.
 * @returns a backoff; its delays are milliseconds, in [0, delay], or up to `delay · (1 + r)` with proportional jitter r.
 * @throws {RangeError} when the delay is negative or infinite.
 * @throws {TypeError} when the delay or the jitter cannot be read.
 * @example
 * constant('1s').delayMs(7) // => 1000
 */
export function constant(delay: Duration, options: ConstantOptions = {}): DescribedBackoff {
  const delayMs = toMs(delay, 'delay');
  const jitter = readScheduleJitter(options.jitter ?? constantDefaults.jitter);
  return jitteredSchedule({
    plainDelayMs: () => delayMs,
    maxDelayMs: Number.MAX_VALUE,
    jitter,
    spec: { kind: 'fixed', initialDelay: delayMs, jitter },
  });
}
