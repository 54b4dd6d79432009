import { wrongType } from '../options.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { DescribedBackoff } from './backoff.ts';
import { readScheduleJitter, type ScheduleJitter } from './jitter.ts';
import { jitteredSchedule } from './jittered-schedule.ts';

/** Options of {@link sequence}. */
export interface SequenceOptions {
  /** How chance spreads the delays. Default `'none'`. */
  readonly jitter?: ScheduleJitter;
}

/** Defaults of {@link sequence}: what is written is what is waited. */
export const sequenceDefaults: Readonly<Required<SequenceOptions>> = Object.freeze({ jitter: 'none' });

/**
 * Waits as listed: the first delay before the first retry, and so on. After the end of the list the last delay repeats;
 * how many retries there are is said by `maxAttempts`, not by the list.
 *
 * @param delays one delay or more. `['1s', '2s', '4s']` goes with `maxAttempts: 4`.
 * @param options.jitter spread of the delays. Default `'none'`.
 * @returns a backoff; its delays are milliseconds, in [0, d] for each d, or up to `d · (1 + r)` with proportional jitter r.
 * @throws {RangeError} when the list is empty, or a delay negative or infinite.
 * @throws {TypeError} when the list, a delay or the jitter cannot be read.
 * @example
 * sequence(['1s', '2s', '4s']).delayMs(2) // => 2000
 */
export function sequence(delays: readonly Duration[], options: SequenceOptions = {}): DescribedBackoff {
  if (!Array.isArray(delays)) throw wrongType('delays', 'a list of durations', delays);
  const delaysMs = delays.map((delay: Duration, index) => toMs(delay, `delays[${index}]`));
  const lastMs = delaysMs.at(-1);
  if (lastMs === undefined) throw new RangeError('Expected delays to have at least one delay, got an empty list');
  const jitter = readScheduleJitter(options.jitter ?? sequenceDefaults.jitter);
  return jitteredSchedule({
    plainDelayMs: (retryNumber) => delaysMs[retryNumber - 1] ?? lastMs,
    maxDelayMs: Number.MAX_VALUE,
    jitter,
    spec: { kind: 'sequence', delays: Object.freeze(delaysMs), jitter },
  });
}
