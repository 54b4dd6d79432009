import { checkInteger, checkRatio, outOfRange } from '../options.ts';
import { count, type FailureTally, type TripRule } from './trip-rule.ts';

/** Options of {@link countWindow}. */
export interface CountWindowOptions {
  /** How many of the last calls are looked at. Default 20. */
  readonly size?: number;
  /** How many of them there must be before their share means anything, at most `size`. Default 10, or `size` if less. */
  readonly minimum?: number;
  /** The share of failures among them that opens the breaker, above 0 and up to 1. Default 0.5. */
  readonly failureRatio?: number;
}

class CountTally implements FailureTally {
  private readonly size: number;
  private readonly minimum: number;
  private readonly failureRatio: number;
  // Made with the first call: a service may have thousands of breakers, most of them idle.
  private outcomes: boolean[] | undefined = undefined;
  private next = 0;
  private failures = 0;

  constructor(size: number, minimum: number, failureRatio: number) {
    this.size = size;
    this.minimum = minimum;
    this.failureRatio = failureRatio;
  }

  failuresAt(): number {
    return this.failures;
  }

  note(failed: boolean): boolean {
    const outcomes = (this.outcomes ??= []);
    if (outcomes[this.next] === true) this.failures -= 1;
    outcomes[this.next] = failed;
    this.next = this.next + 1 === this.size ? 0 : this.next + 1;
    if (!failed) return false;
    this.failures += 1;
    return outcomes.length >= this.minimum && this.failures >= this.failureRatio * outcomes.length;
  }

  describe(): string {
    return `${count(this.failures, 'failure')} in ${count(this.outcomes?.length ?? 0, 'call')}`;
  }

  reset(): void {
    this.outcomes = undefined;
    this.next = 0;
    this.failures = 0;
  }
}

/**
 * Opens when too large a share of the last calls has failed. Right for a steady stream of calls of which some fail.
 *
 * @param options.size how many of the last calls are looked at. Default 20.
 * @param options.minimum how many there must be, at most `size`. Default 10, or `size` if that is less.
 * @param options.failureRatio the share that opens it. Default 0.5.
 * @throws {RangeError} when a number is out of its range.
 * @example
 * const breaker = circuitBreaker({ trip: countWindow({ size: 4, minimum: 2, failureRatio: 0.5 }) });
 * breaker.leave(breaker.tryEnter(), 'success');
 * breaker.leave(breaker.tryEnter(), 'failure');
 * breaker.state // => 'open'
 */
export function countWindow(options: CountWindowOptions = {}): TripRule {
  const { size = 20, failureRatio = 0.5 } = options;
  checkInteger('size', size, 1);
  const { minimum = Math.min(10, size) } = options;
  checkInteger('minimum', minimum, 1);
  checkRatio('failureRatio', failureRatio);
  if (minimum > size) throw outOfRange('minimum', `at most size (${size})`, minimum);
  return { timed: false, start: () => new CountTally(size, minimum, failureRatio) };
}
