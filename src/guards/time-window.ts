import { type Duration, toPositiveMs } from '../time/duration.ts';
import { checkInteger, checkRatio } from '../options.ts';
import { count, type FailureTally, type TripRule } from './trip-rule.ts';

/** Options of {@link timeWindow}. */
export interface TimeWindowOptions {
  /** How far back is looked. Default `'10s'`. */
  readonly window?: Duration;
  /** How many calls there must be in it before their share means anything. Default 10. */
  readonly minimum?: number;
  /** The share of failures among them that opens the breaker, above 0 and up to 1. Default 0.5. */
  readonly failureRatio?: number;
}

// The window is counted in tenths, of which the oldest is dropped whole: so nine to ten tenths of it are looked at.
const slices = 10;

class TimeTally implements FailureTally {
  private readonly windowMs: number;
  private readonly minimum: number;
  private readonly failureRatio: number;
  // Failures and calls by slice, side by side. Made with the first call: most of many breakers are idle.
  private counts: number[] | undefined = undefined;
  private slice = 0;
  private calls = 0;
  private failures = 0;

  constructor(windowMs: number, minimum: number, failureRatio: number) {
    this.windowMs = windowMs;
    this.minimum = minimum;
    this.failureRatio = failureRatio;
  }

  failuresAt(nowMs: number): number {
    this.forgetUntil(nowMs);
    return this.failures;
  }

  note(failed: boolean, nowMs: number): boolean {
    const counts = this.forgetUntil(nowMs);
    const at = (this.slice % slices) * 2;
    counts[at + 1] = (counts[at + 1] as number) + 1;
    this.calls += 1;
    if (!failed) return false;
    counts[at] = (counts[at] as number) + 1;
    this.failures += 1;
    return this.calls >= this.minimum && this.failures >= this.failureRatio * this.calls;
  }

  describe(): string {
    return `${count(this.failures, 'failure')} in ${this.windowMs} ms`;
  }

  reset(): void {
    this.counts = undefined;
    this.calls = 0;
    this.failures = 0;
  }

  /** Moves on to the slice of now, and drops what has fallen out of the window, however long nothing happened. */
  private forgetUntil(nowMs: number): number[] {
    const current = Math.floor((nowMs * slices) / this.windowMs);
    if (this.counts === undefined) {
      this.counts = Array.from({ length: slices * 2 }, () => 0);
      this.slice = current;
    }
    const { counts } = this;
    const steps = Math.min(slices, current - this.slice);
    for (let step = 0; step < steps; step++) {
      const at = ((current - step) % slices) * 2;
      this.failures -= counts[at] as number;
      this.calls -= counts[at + 1] as number;
      counts[at] = 0;
      counts[at + 1] = 0;
    }
    this.slice = Math.max(this.slice, current);
    return counts;
  }
}

/**
 * Opens when too large a share of the calls of the last while has failed. Right where the rate of calls varies much: what
 * happened before a quiet hour is forgotten.
 *
 * @param options.window how far back is looked. Default `'10s'`.
 * @param options.minimum how many calls there must be in it. Default 10.
 * @param options.failureRatio the share that opens it. Default 0.5.
 * @throws {RangeError} when a number is out of its range, {TypeError} when `window` is no duration.
 * @example
 * circuitBreaker({ trip: timeWindow({ window: '30s', minimum: 20, failureRatio: 0.2 }) }).state // => 'closed'
 */
export function timeWindow(options: TimeWindowOptions = {}): TripRule {
  const { window = '10s', minimum = 10, failureRatio = 0.5 } = options;
  const windowMs = toPositiveMs(window, 'window');
  checkInteger('minimum', minimum, 1);
  checkRatio('failureRatio', failureRatio);
  return { timed: true, start: () => new TimeTally(windowMs, minimum, failureRatio) };
}
