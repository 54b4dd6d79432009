import type { Outcome } from '../policy/outcome.ts';
import type { RetryEndReason } from './retry-report.ts';

/** Facts that every event of a retried call carries. */
type RetryEventFacts = {
  /** Equal for all events of one call and different for others of this process. */
  readonly call: number;
  /** The `name` option of the call or policy. */
  readonly name: string;
};

/** An attempt begins. `delayMs` is the wait before it, 0 for the first. */
export type RetryAttemptStarted = RetryEventFacts & {
  readonly type: 'retry.attempt-started';
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly delayMs: number;
};

/** An attempt has ended. `error` is what it threw, when it did not succeed. */
export type RetryAttemptEnded = RetryEventFacts & {
  readonly type: 'retry.attempt-ended';
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly elapsedMs: number;
  readonly error?: unknown;
};

/** Attempt number `attempt` failed with `error`, and the next follows after `delayMs`. */
export type RetryScheduled = RetryEventFacts & {
  readonly type: 'retry.scheduled';
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
};

/** The call has succeeded, with its last attempt. */
export type RetrySucceeded = RetryEventFacts & {
  readonly type: 'retry.succeeded';
  readonly attempts: number;
  readonly elapsedMs: number;
};

/** The call has ended without success. `fault` is what the `retryable` predicate or the backoff threw, if one did. */
export type RetryEnded = RetryEventFacts & {
  readonly type: 'retry.ended';
  readonly attempts: number;
  readonly elapsedMs: number;
  readonly reason: RetryEndReason;
  /** What the call rejects with. */
  readonly error: unknown;
  readonly fault?: unknown;
};

/**
 * What the observer of a retried call is told, in this order:
 *
 * - `retry.attempt-started` `{ attempt, maxAttempts, delayMs }`
 * - `retry.attempt-ended` `{ attempt, outcome, elapsedMs, error? }`
 * - `retry.scheduled` `{ attempt, delayMs, error }`, and from the top; or else one of
 * - `retry.succeeded` `{ attempts, elapsedMs }`
 * - `retry.ended` `{ attempts, elapsedMs, reason, error, fault? }`
 *
 * Each also carries `call`, a number that the events of one call share, and `name`.
 */
export type RetryEvent = RetryAttemptStarted | RetryAttemptEnded | RetryScheduled | RetrySucceeded | RetryEnded;
