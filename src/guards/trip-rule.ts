import { checkInteger } from '../options.ts';

/** What one closed breaker has counted so far. */
export interface FailureTally {
  /** Failures that it counts at this time. */
  failuresAt(nowMs: number): number;
  /**
   * Notes how a call ended, and tells whether the breaker is to open. Only a failure opens it.
   *
   * @param nowMs the time on the breaker's clock; 0 for a success, unless the rule is `timed`.
   */
  note(failed: boolean, nowMs: number): boolean;
  /** What was counted, in words: `5 failures in a row`. */
  describe(): string;
  /** Forgets what was counted: the breaker has closed. */
  reset(): void;
}

/**
 * When a closed breaker opens. One rule may serve many breakers: each counts on a tally of its own.
 * {@link consecutiveFailures}, `countWindow` and `timeWindow` make one, and a `retryCounter` is one.
 */
export interface TripRule {
  /** Whether a success must be noted with its time. Reading a clock costs as much as the rest. */
  readonly timed: boolean;
  /** A tally with nothing counted. */
  start(): FailureTally;
}

class ConsecutiveTally implements FailureTally {
  private readonly limit: number;
  private failures = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  failuresAt(): number {
    return this.failures;
  }

  note(failed: boolean): boolean {
    this.failures = failed ? this.failures + 1 : 0;
    return this.failures >= this.limit;
  }

  describe(): string {
    return `${count(this.failures, 'failure')} in a row`;
  }

  reset(): void {
    this.failures = 0;
  }
}

/**
 * Opens after `limit` failures without a success in between. Right where calls are few, or fail all at once.
 *
 * @param limit how many, 1 or more. Default 5.
 * @throws {RangeError} when it is not such a number.
 * @example
 * circuitBreaker({ trip: consecutiveFailures(3) }).state // => 'closed'
 */
export function consecutiveFailures(limit: number = 5): TripRule {
  checkInteger('limit', limit, 1);
  return { timed: false, start: () => new ConsecutiveTally(limit) };
}

/** `1 failure`, `2 failures`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
