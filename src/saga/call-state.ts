import type { Failure } from './failure.ts';
import type { SagaRecordOf } from './record.ts';

/** The attempts of one of a step's calls. */
export interface CallState {
  /** Attempts written as started, the open one included. */
  readonly attempts: number;
  /** How many of them do not count: made before a person gave the step a new budget, or refused by a guard. */
  readonly uncounted: number;
  /** How many of them died with their process. */
  readonly crashes: number;
  /** Whether the callee said that it is still at it, and is asked again under the same attempt. */
  readonly polling: boolean;
  /** Whether the last attempt has no outcome on record: it is in flight, or was when the process died. */
  readonly open: boolean;
  /** When the next attempt is due, ms since 1970. */
  readonly retryAt: number | undefined;
  readonly previousDelayMs: number | undefined;
  readonly failure: Failure | undefined;
  /** When the first attempt was written. */
  readonly startedAt: number | undefined;
  /** When the last attempt was written. */
  readonly attemptAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** A call of which nothing is on record. */
export const noCall: CallState = Object.freeze({
  attempts: 0,
  uncounted: 0,
  crashes: 0,
  polling: false,
  open: false,
  retryAt: undefined,
  previousDelayMs: undefined,
  failure: undefined,
  startedAt: undefined,
  attemptAt: undefined,
  endedAt: undefined,
});

/** An attempt is about to be made. */
export function started(call: CallState, attempt: number, at: number): CallState {
  return {
    attempts: attempt,
    uncounted: call.uncounted,
    crashes: call.crashes,
    polling: false,
    open: true,
    retryAt: undefined,
    previousDelayMs: call.previousDelayMs,
    failure: call.failure,
    startedAt: call.startedAt ?? at,
    attemptAt: at,
    endedAt: undefined,
  };
}

/** The call is over: no attempt follows by itself. */
export function ended(call: CallState, at: number, failure: Failure | undefined): CallState {
  return { ...call, open: false, polling: false, retryAt: undefined, failure, endedAt: at };
}

/** An attempt failed, and another is due. */
export function retrying(
  call: CallState,
  record: SagaRecordOf<'attempt-failed' | 'compensation-attempt-failed' | 'probe-failed'>,
): CallState {
  const { retryAt, delayMs: previousDelayMs, failure } = record;
  const crashes = call.crashes + (record.type === 'attempt-failed' && record.crashed === true ? 1 : 0);
  return { ...call, open: false, polling: false, retryAt, previousDelayMs, failure, crashes };
}

/** The callee is still at it, and is asked again. */
export function inProgress(call: CallState, retryAt: number): CallState {
  return { ...call, open: false, polling: true, retryAt };
}

/** The callee is about to be asked again. */
export function polled(call: CallState, at: number): CallState {
  return { ...call, open: true, retryAt: undefined, attemptAt: at };
}

/** The attempt was not made, and is due again. */
export function postponed(call: CallState, { retryAt, failure }: SagaRecordOf<'attempt-postponed'>): CallState {
  // Asking again under an attempt that was made is no attempt, so there is none to take back.
  const uncounted = call.polling ? call.uncounted : call.uncounted + 1;
  return { ...call, open: false, retryAt, failure, uncounted };
}

/** A call with a new budget: its attempts are counted on, but begin to count from here. */
export function renewed(call: CallState): CallState {
  return { ...call, uncounted: call.attempts, crashes: 0, open: false, retryAt: undefined, previousDelayMs: undefined };
}

/** The later of two times, either of which may be absent. */
export function latestOf(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || (right !== undefined && right > left) ? right : left;
}
