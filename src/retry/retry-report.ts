import type { RetryRefusal } from './decide-retry.ts';
import { type FailedAttemptRecord, readHistory } from './retry-history.ts';

/**
 * Why a retried call ended without success:
 *
 * - `not-retryable`: `retryable` did not hold for the last error (or threw; then see `fault`);
 * - `attempts-exhausted`: the last of `maxAttempts` failed;
 * - `deadline`: the time is up, or the next wait would have reached the deadline;
 * - `aborted`: the caller's signal has aborted;
 * - `budget-empty`: the retry budget had nothing left for another retry;
 * - `guard-open`: a guard refused the attempt without calling the function, or would refuse the next one.
 */
export type RetryEndReason = RetryRefusal | 'aborted' | 'budget-empty' | 'guard-open';

/** How a retried call came to its end. */
export interface RetryReport {
  /** How many attempts were begun. 0 when the call was over before the first. */
  readonly attempts: number;
  /**
   * Time from the start of the call to its end, in milliseconds. One exception, since reading a clock costs as much as
   * half a call: under a policy without time-out, deadline and observer, when the caller gave no signal and the function
   * did not ask for one, the first attempt is not timed, and this counts from its failure.
   */
  readonly elapsedMs: number;
  readonly reason: RetryEndReason;
  /** The wait before each retry, in order, in milliseconds. Only the last 100 of a long call. */
  readonly delaysMs: readonly number[];
  /** What each attempt threw, in order, the last one included. Only the last 100 of a long call. */
  readonly errors: readonly unknown[];
  /** What the `retryable` predicate or the backoff threw, when that ended the call. */
  readonly fault?: unknown;
}

/** The facts that a report is made of when somebody asks for it. */
export interface RetryEnding extends Omit<RetryReport, 'delaysMs' | 'errors'> {
  readonly failures: FailedAttemptRecord | undefined;
}

const endings = new WeakMap<WeakKey, RetryEnding>();

/**
 * Tells how a retried call came to reject with this error. The error itself is untouched, so the report is kept beside it
 * for as long as it lives. When one object ended several calls, such as a shared signal's reason, the latest report counts.
 *
 * @param error what `retry` or a retry policy rejected with.
 * @returns the report; `undefined` for an error no retry has seen, and for a thrown primitive, which has no identity
 *   that a report could be kept under. The `retry.ended` event has the facts in that case too.
 * @example
 * retryReport(new Error('never retried')) // => undefined
 */
export function retryReport(error: unknown): RetryReport | undefined {
  const ending = isObject(error) ? endings.get(error) : undefined;
  if (ending === undefined) return undefined;
  const { failures, ...facts } = ending;
  return { ...facts, ...readHistory(failures) };
}

/** Keeps how a call ended beside the error it rejects with. */
export function fileEnding(error: unknown, ending: RetryEnding): void {
  if (isObject(error)) endings.set(error, ending);
}

/** Lets the report of one end be found under another, which takes its place. */
export function handOnReport(from: object, to: object): void {
  const ending = endings.get(from);
  if (ending !== undefined) endings.set(to, ending);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
