import type { RetryBudget } from '../guards/retry-budget.ts';
import { wrongType } from '../options.ts';
import { type RetriedFunction, RetryCall } from './retry-call.ts';
import { checkSignal, resolveRetrySettings, type RetryLoopOptions } from './retry-settings.ts';

/** Options of {@link retry}. */
export interface RetryCallOptions extends RetryLoopOptions {
  /** The allowance that each retry is taken from. Default: none; `retryPolicy` has one of its own. */
  readonly budget?: RetryBudget | undefined;
  /** Cancels the call, during an attempt as well as between two. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `fn`, and calls it again while it fails in a way that may pass: at most `maxAttempts` times in all, waiting
 * longer each time, never past the deadline, and not at all for an error nobody knows.
 *
 * Retry only what may be done twice: reads, and writes that carry an idempotency key.
 *
 * How it ends: with what `fn` returned; or with the last thing `fn` threw, untouched (also when the next wait would reach
 * the deadline); or with `signal.reason` once the signal has aborted; or with a {@link DeadlineExceededError}, whose
 * cause is the last error, once the time is up. {@link retryReport} tells how it came to that.
 *
 * @param fn is handed the attempt: `{ number, maxAttempts, signal, remainingMs }`. Pass the signal on.
 * @param options.maxAttempts executions in all, the first included. Default 4.
 * @param options.backoff waits between them. Default 100 ms doubling up to 5 s, full jitter.
 * @param options.retryable which errors may be retried. Default `isTransient`.
 * @param options.respectRetryAfter whether `Retry-After` is a floor under the wait. Default `true`.
 * @param options.attemptTimeout limit of one attempt. Default none.
 * @param options.deadline limit of the whole call, waits included. Default none.
 * @param options.budget allowance that retries are taken from, before the wait. Default none.
 * @param options.guards policies around each attempt, the outermost first. Default none.
 * @param options.signal cancels the call. Default none.
 * @param options.observer is told of every attempt and decision. Default nobody.
 * @throws {TypeError} or {RangeError} at once, when an option is wrong.
 * @example
 * await retry(async ({ number }) => number, { maxAttempts: 2 }) // => 1
 */
export function retry<Result>(fn: RetriedFunction<Result>, options: RetryCallOptions = {}): Promise<Result> {
  checkRetried(fn);
  checkSignal(options.signal);
  const settings = resolveRetrySettings(options, options.budget);
  return new RetryCall(settings, fn, options.signal, settings.clock.monotonicMs()).begin();
}

/** Checks that there is something to retry. */
export function checkRetried(fn: unknown): void {
  if (typeof fn !== 'function') throw wrongType('fn', 'a function of an attempt', fn);
}
