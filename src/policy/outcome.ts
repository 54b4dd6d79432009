import { isMakegoodError } from '../errors.ts';
import { isRefusal } from './refused-error.ts';

/** How a call ended, in the way every policy counts it. An `abort` says nothing about the callee, so nobody counts it. */
export type Outcome = 'success' | 'failure' | 'abort';

/**
 * What a rejected call counts as. It is an `abort` when the caller has cancelled it, or a guard further in has refused it,
 * and a `failure` in every other case, also when the signal was aborted because the time was up: then the callee was too
 * slow.
 *
 * Retry, breaker and limiters all ask this one function, so that they agree on what they count.
 *
 * @param signal the signal the call was made with, as it is after the rejection.
 * @param error what the call was rejected with.
 * @example
 * failureOutcome(AbortSignal.abort(new Error('the user left'))) // => 'abort'
 */
export function failureOutcome(signal: AbortSignal | undefined, error?: unknown): Exclude<Outcome, 'success'> {
  if (signal?.aborted === true && !isTimeUp(signal.reason)) return 'abort';
  return isRefusal(error) ? 'abort' : 'failure';
}

// Our own deadlines, and AbortSignal.timeout of the platform (Web IDL "DOMException names").
function isTimeUp(reason: unknown): boolean {
  return (
    isMakegoodError(reason, 'MAKEGOOD_DEADLINE_EXCEEDED') || (reason instanceof Error && reason.name === 'TimeoutError')
  );
}
