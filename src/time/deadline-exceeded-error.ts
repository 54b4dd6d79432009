import { MakegoodError } from '../errors.ts';

/**
 * The clock ended a wait: a deadline or an attempt's time-out has passed. It is the `reason` of the signal that was
 * aborted for it, which tells a time-out from a cancel. What was under way may have been carried out all the same.
 *
 * @example
 * new DeadlineExceededError('attempt 2 of "page"', { deadlineMs: 2000, elapsedMs: 2003 }).message
 * // => 'attempt 2 of "page" exceeded its deadline of 2000 ms after 2003 ms'
 */
export class DeadlineExceededError extends MakegoodError {
  /** How long it was allowed to take, in milliseconds. */
  readonly deadlineMs: number;
  /** How long it had taken when it was ended, in milliseconds. */
  readonly elapsedMs: number;

  /**
   * @param what the thing that took too long; begins the message.
   * @param facts.cause the last error before the time was up, if there was one.
   */
  constructor(
    what: string,
    facts: { readonly deadlineMs: number; readonly elapsedMs: number; readonly cause?: unknown },
  ) {
    const { deadlineMs, elapsedMs } = facts;
    const text = `${what} exceeded its deadline of ${round(deadlineMs)} ms after ${round(elapsedMs)} ms`;
    super('MAKEGOOD_DEADLINE_EXCEEDED', text, 'cause' in facts ? { cause: facts.cause } : undefined);
    this.deadlineMs = deadlineMs;
    this.elapsedMs = elapsedMs;
  }
}

// Clocks give fractions of a millisecond; nobody wants to read them.
function round(ms: number): number {
  return Math.round(ms);
}
