import { type Duration, toMs } from '../time/duration.ts';
import type { DescribedBackoff } from './backoff.ts';
import { checkCap, decorrelatedSchedule } from './jittered-schedule.ts';

/** Options of {@link decorrelated}. */
export interface DecorrelatedOptions {
  /** The shortest delay, and what the first one grows from. Default `'100ms'`. */
  readonly initialDelay?: Duration;
  /** No delay is longer than this. Default `'5s'`. */
  readonly maxDelay?: Duration;
}

/** Defaults of {@link decorrelated}. */
export const decorrelatedDefaults: Readonly<Required<DecorrelatedOptions>> = Object.freeze({
  initialDelay: '100ms',
  maxDelay: '5s',
});

/**
 * Draws each delay between `initialDelay` and three times the previous delay, never above `maxDelay`: the delays wander
 * upwards, and two callers that failed together soon have nothing in common.
 *
 * The previous delay comes from `context.previousDelayMs`; without it, it is taken to be `initialDelay`.
 *
 * @param options.initialDelay shortest delay. Default `'100ms'`.
 * @param options.maxDelay cap of every delay. Default `'5s'`.
 * @returns a backoff; its delays are milliseconds, in [initialDelay, maxDelay].
 * @throws {RangeError} when `maxDelay` is below `initialDelay`.
 * @throws {TypeError} when a duration cannot be read.
 * @see Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: `min(cap, random_between(base, 3·sleep))`.
 * @example
 * decorrelated({ initialDelay: 100 }).delayMs(2, { previousDelayMs: 300, random: () => 0.5 }) // => 500
 */
export function decorrelated(options: DecorrelatedOptions = {}): DescribedBackoff {
  const { initialDelay = decorrelatedDefaults.initialDelay, maxDelay = decorrelatedDefaults.maxDelay } = options;
  const initialDelayMs = toMs(initialDelay, 'initialDelay');
  const maxDelayMs = toMs(maxDelay, 'maxDelay');
  checkCap(initialDelayMs, maxDelayMs);
  return decorrelatedSchedule(initialDelayMs, maxDelayMs, {
    kind: 'decorrelated',
    initialDelay: initialDelayMs,
    maxDelay: maxDelayMs,
  });
}
