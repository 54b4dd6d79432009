import { type Duration, toMs } from '../time/duration.ts';
import type { DescribedBackoff } from './backoff.ts';
import { readScheduleJitter, type ScheduleJitter } from './jitter.ts';
import { checkCap, jitteredSchedule } from './jittered-schedule.ts';

/** Options of {@link fibonacci}. */
export interface FibonacciOptions {
  /** The wait before the first retry, before jitter. Default `'100ms'`. */
  readonly initialDelay?: Duration;
  /** No delay is longer than this. Default `'5s'`. */
  readonly maxDelay?: Duration;
  /** How chance spreads the delays. Default `'full'`. */
  readonly jitter?: ScheduleJitter;
}

/** Defaults of {@link fibonacci}. */
export const fibonacciDefaults: Readonly<Required<FibonacciOptions>> = Object.freeze({
  initialDelay: '100ms',
  maxDelay: '5s',
  jitter: 'full',
});

/**
 * Waits before each retry as long as before the last two together: `initialDelay` times 1, 1, 2, 3, 5, 8 and so on, never
 * above `maxDelay`, then jittered. It grows by about 1.6 a retry, more gently than doubling.
 *
 * @param options.initialDelay wait before the first and the second retry. Default `'100ms'`.
 * @param options.maxDelay cap of every delay. Default `'5s'`.
 * @param options.jitter spread of the delays. Default `'full'`.
 * @returns a backoff; its delays are milliseconds, in [0, maxDelay].
 * @throws {RangeError} when `maxDelay` is below `initialDelay`.
 * @throws {TypeError} when a duration or the jitter cannot be read.
 * @example
 * fibonacci({ initialDelay: '100ms', jitter: 'none' }).delayMs(6) // => 800
 */
export function fibonacci(options: FibonacciOptions = {}): DescribedBackoff {
  const {
    initialDelay = fibonacciDefaults.initialDelay,
    maxDelay = fibonacciDefaults.maxDelay,
    jitter: givenJitter = fibonacciDefaults.jitter,
  } = options;
  const initialDelayMs = toMs(initialDelay, 'initialDelay');
  const maxDelayMs = toMs(maxDelay, 'maxDelay');
  checkCap(initialDelayMs, maxDelayMs);
  const jitter = readScheduleJitter(givenJitter);
  const delaysMs = delaysBelow(maxDelayMs, initialDelayMs);
  return jitteredSchedule({
    plainDelayMs: (retryNumber) => (initialDelayMs === 0 ? 0 : (delaysMs[retryNumber - 1] ?? maxDelayMs)),
    maxDelayMs,
    jitter,
    spec: { kind: 'fibonacci', initialDelay: initialDelayMs, maxDelay: maxDelayMs, jitter },
  });
}

// The delays below the cap are few (9 by default), so they are listed once; a loop to the 2^53rd would never end.
function delaysBelow(maxDelayMs: number, initialDelayMs: number): number[] {
  const delaysMs: number[] = [];
  if (initialDelayMs === 0) return delaysMs;
  let [currentMs, nextMs] = [initialDelayMs, initialDelayMs];
  while (currentMs < maxDelayMs) {
    delaysMs.push(currentMs);
    [currentMs, nextMs] = [nextMs, currentMs + nextMs];
  }
  return delaysMs;
}
