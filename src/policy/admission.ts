import type { MakegoodError } from '../errors.ts';
import type { ExecuteOptions } from './call.ts';
import type { Outcome } from './outcome.ts';
import type { Policy } from './policy.ts';

/** What {@link AdmissionGuard.tryEnter} answers when the call may not enter. Every ticket is 0 or more. */
export const refused = -1;

/** How an admitted call left: its outcome, or `unused` when the function was not called after all. */
export type Departure = Outcome | 'unused';

/**
 * A policy that only decides whether a call may be made, and is told how it went: a circuit breaker, a bulkhead, a
 * limiter. All of them share these few synchronous methods, so that `compose` and `retry` ask any number of them in one
 * pass, without a promise or a closure for each, and tell them in reverse order when the call is over.
 *
 * An implementer keeps: nothing here throws; a ticket is left exactly once, and until then the place is taken; `execute`
 * does what {@link AdmissionPolicy} does, since it is not called where guards are fused.
 */
export interface AdmissionGuard extends Policy {
  /** Enters at once, or not at all: a ticket, or {@link refused} (also where {@link AdmissionGuard.enter} would wait). */
  tryEnter(): number;

  /**
   * Enters, and waits for a place if this guard has a queue. Reads `options.signal` only when it has to wait.
   *
   * @returns a ticket or {@link refused} at once, or a promise of a ticket; that rejects with `signal.reason` when the
   *   caller leaves first.
   */
  enter(options?: ExecuteOptions): number | Promise<number>;

  /** The error for a call that was refused. Asked right after the refusal, and observed: each call is one refused call. */
  refusal(): MakegoodError;

  /**
   * Gives a ticket back when the call is over for its caller.
   *
   * @param error what it was rejected with, for `failure` and `abort`.
   */
  leave(ticket: number, departure: Departure, error?: unknown): void;

  /**
   * Whether a call that came `delayMs` from now would be refused for all that is known now. `retry` asks before it
   * waits, and makes no retry that could not enter.
   */
  wouldRefuse(delayMs: number): boolean;
}

/**
 * Whether a policy is an {@link AdmissionGuard}, and can be asked without executing anything.
 *
 * @example
 * isAdmissionGuard(compose()) // => false
 */
export function isAdmissionGuard(policy: Policy): policy is AdmissionGuard {
  const { tryEnter, enter, refusal, leave, wouldRefuse } = policy as Partial<AdmissionGuard>;
  return [tryEnter, enter, refusal, leave, wouldRefuse].every((method) => typeof method === 'function');
}
