import { type Duration, toMs } from '../time/duration.ts';
import type { DescribedBackoff } from './backoff.ts';
import { readScheduleJitter, type ScheduleJitter } from './jitter.ts';
import { checkCap, jitteredSchedule } from './jittered-schedule.ts';

/** Options of {@link linear}. */
export interface LinearOptions {
  /** The wait before the first retry, before jitter. Default `'100ms'`. */
  readonly initialDelay?: Duration;
  /** What each delay is longer than the one before. Default `initialDelay`. */
  readonly increment?: Duration;
  /** No delay is longer than this. Default `'5s'`. */
  readonly maxDelay?: Duration;
  /** How chance spreads the delays. Default `'full'`. */
  readonly jitter?: ScheduleJitter;
}

/** Defaults of {@link linear}; `increment` is by default whatever `initialDelay` is. */
export const linearDefaults: Readonly<Required<Omit<LinearOptions, 'increment'>>> = Object.freeze({
  initialDelay: '100ms',
  maxDelay: '5s',
  jitter: 'full',
});

/**
 * Waits longer by the same amount before each retry: `initialDelay + (n−1) · increment`, never above `maxDelay`, then
 * jittered.
 *
 * @param options.initialDelay wait before the first retry. Default `'100ms'`.
 * @param options.increment growth from one delay to the next. Default `initialDelay`.
 * @param options.maxDelay cap of every delay. Default `'5s'`.
 * @param options.jitter spread of the delays. Default `'full'`.
 * @returns a backoff; its delays are milliseconds, in [0, maxDelay].
 * @throws {RangeError} when `maxDelay` is below `initialDelay`.
 * @throws {TypeError} when a duration or the jitter cannot be read.
 * @example
 * linear({ initialDelay: '1s', increment: '500ms', jitter: 'none' }).delayMs(3) // => 2000
 */
export function linear(options: LinearOptions = {}): DescribedBackoff {
  const { initialDelay = linearDefaults.initialDelay, maxDelay = linearDefaults.maxDelay } = options;
  const { increment = initialDelay, jitter: givenJitter = linearDefaults.jitter } = options;
  const initialDelayMs = toMs(initialDelay, 'initialDelay');
  const incrementMs = toMs(increment, 'increment');
  const maxDelayMs = toMs(maxDelay, 'maxDelay');
  checkCap(initialDelayMs, maxDelayMs);
  const jitter = readScheduleJitter(givenJitter);
  return jitteredSchedule({
    plainDelayMs: (retryNumber) => initialDelayMs + (retryNumber - 1) * incrementMs,
    maxDelayMs,
    jitter,
    spec: { kind: 'linear', initialDelay: initialDelayMs, increment: incrementMs, maxDelay: maxDelayMs, jitter },
  });
}
