import { outOfRange, unreadable } from '../options.ts';
import type { Random } from '../ports/random.ts';

// The names and formulas of full, equal and decorrelated jitter are those of Brooker, "Exponential Backoff And Jitter",
// AWS Architecture Blog, 2015. Each function here takes uniform draws on [0, 1) and returns milliseconds.

/** Jitter as a share of the delay: `{ proportional: 0.1 }` spreads it by ±10 %. */
export interface ProportionalJitter {
  /** Half the width of the spread, 0 to 1. */
  readonly proportional: number;
}

/** A jitter that varies the delay of a schedule, each draw on its own. */
export type ScheduleJitter = 'none' | 'full' | 'equal' | ProportionalJitter;

/**
 * How chance spreads the delays of callers that failed together, so that they do not come back together. For a delay `d`:
 * `none` is `d`; `full` is uniform on [0, d); `equal` on [d/2, d); `{ proportional: r }` on [d·(1−r), d·(1+r));
 * `decorrelated` grows from the previous delay instead, see `decorrelated()`.
 */
export type Jitter = ScheduleJitter | 'decorrelated';

/** Uniform on [0, d): the widest spread and the least load. */
export function fullJitter(delayMs: number, random: Random): number {
  return random() * delayMs;
}

/** Uniform on [d/2, d): half the delay is kept, for a caller that must not come back at once. */
export function equalJitter(delayMs: number, random: Random): number {
  return delayMs / 2 + (random() * delayMs) / 2;
}

/** Uniform on [d·(1−r), d·(1+r)): the delay in the mean, as in gRPC ("Connection Backoff", r = 0.2). */
function proportionalJitter(delayMs: number, ratio: number, random: Random): number {
  return delayMs * (1 - ratio + 2 * ratio * random());
}

/** Uniform on [initial, 3·previous): the caller caps it. The multiplier 3 is Brooker's. */
export function decorrelatedJitter(initialDelayMs: number, previousDelayMs: number, random: Random): number {
  const upperMs = Math.min(3 * previousDelayMs, Number.MAX_VALUE);
  return initialDelayMs + random() * (upperMs - initialDelayMs);
}

/** Applies a schedule's jitter to one of its delays. */
export function applyJitter(delayMs: number, jitter: ScheduleJitter, random: Random): number {
  if (typeof jitter === 'object') return proportionalJitter(delayMs, jitter.proportional, random);
  if (jitter === 'full') return fullJitter(delayMs, random);
  return jitter === 'equal' ? equalJitter(delayMs, random) : delayMs;
}

/**
 * Reads and checks a schedule's jitter where it enters; the caller's object is copied, so changing it later has no effect.
 *
 * @throws {TypeError} when it is no jitter, or is `'decorrelated'`, which would ignore the schedule.
 * @throws {RangeError} when `proportional` is not between 0 and 1.
 */
export function readScheduleJitter(jitter: ScheduleJitter, names: string = '"none", "full", "equal"'): ScheduleJitter {
  if (typeof jitter === 'object' && jitter !== null && typeof jitter.proportional === 'number') {
    const { proportional } = jitter;
    if (proportional >= 0 && proportional <= 1) return Object.freeze({ proportional });
    throw outOfRange('jitter.proportional', 'between 0 and 1', proportional);
  }
  if (jitter === 'none' || jitter === 'full' || jitter === 'equal') return jitter;
  throw unreadable('jitter', `${names} or { proportional: 0 to 1 }`, jitter);
}

/** Reads and checks any jitter, as {@link readScheduleJitter} does. */
export function readJitter(jitter: Jitter): Jitter {
  return jitter === 'decorrelated' ? jitter : readScheduleJitter(jitter, '"none", "full", "equal", "decorrelated"');
}
