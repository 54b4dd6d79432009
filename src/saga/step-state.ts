import type { Failure } from './failure.ts';
import type { JsonValue } from './json-value.ts';
import type { SagaRecord, SagaRecordOf } from './record.ts';
import type { StepStatus } from './status.ts';

/** The attempts of one of a step's two calls. */
export interface CallState {
  /** Attempts written as started, the open one included. */
  readonly attempts: number;
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

/** One step of a saga, as its records tell. */
export interface StepState {
  readonly name: string;
  readonly status: StepStatus;
  readonly output: JsonValue | undefined;
  /** Its place in the order of undoing: `seq` of its confirmation, or of its last start while there is none. */
  readonly rank: number;
  /** Until then (ms since 1970) a call that timed out may still be on its way. */
  readonly settleAt: number | undefined;
  readonly action: CallState;
  readonly compensation: CallState;
}

const noCall: CallState = Object.freeze({
  attempts: 0,
  open: false,
  retryAt: undefined,
  previousDelayMs: undefined,
  failure: undefined,
  startedAt: undefined,
  attemptAt: undefined,
  endedAt: undefined,
});

/** A step before its first record. */
export function pendingStep(name: string): StepState {
  return {
    name,
    status: 'pending',
    output: undefined,
    rank: 0,
    settleAt: undefined,
    action: noCall,
    compensation: noCall,
  };
}

function started(call: CallState, attempt: number, at: number): CallState {
  return {
    attempts: attempt,
    open: true,
    retryAt: undefined,
    previousDelayMs: call.previousDelayMs,
    failure: call.failure,
    startedAt: call.startedAt ?? at,
    attemptAt: at,
    endedAt: undefined,
  };
}

function ended(call: CallState, at: number, failure: Failure | undefined): CallState {
  return { ...call, open: false, retryAt: undefined, failure, endedAt: at };
}

function retrying(call: CallState, record: SagaRecordOf<'attempt-failed' | 'compensation-attempt-failed'>): CallState {
  return { ...call, open: false, retryAt: record.retryAt, previousDelayMs: record.delayMs, failure: record.failure };
}

function laterOf(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || (right !== undefined && right > left) ? right : left;
}

/** The records that concern one step. */
export type StepRecord = Extract<SagaRecord, { readonly step: string }> | SagaRecordOf<'escalated'>;

/** What a step is after one more record, which was found legal. */
export function applyToStep(step: StepState, record: StepRecord): StepState {
  const { action, compensation } = step;
  const at = record.timestamp;
  switch (record.type) {
    case 'step-started':
      return { ...step, status: 'running', rank: record.seq, action: started(action, record.attempt, at) };
    case 'step-confirmed':
      return {
        ...step,
        status: 'confirmed',
        output: record.output,
        rank: record.seq,
        settleAt: record.settleAt,
        action: ended(action, at, undefined),
      };
    case 'attempt-failed':
      return { ...step, settleAt: laterOf(step.settleAt, record.settleAt), action: retrying(action, record) };
    case 'step-failed':
      return { ...step, status: 'failed', settleAt: record.settleAt, action: ended(action, at, record.failure) };
    case 'step-unknown': {
      const settleAt = laterOf(step.settleAt, record.settleAt);
      return { ...step, status: 'unknown', settleAt, action: ended(action, at, record.failure) };
    }
    case 'step-settled':
      return { ...step, settleAt: undefined };
    case 'compensation-started':
      return { ...step, status: 'compensating', compensation: started(compensation, record.attempt, at) };
    case 'compensation-attempt-failed':
      return { ...step, compensation: retrying(compensation, record) };
    case 'step-compensated':
      return { ...step, status: 'compensated', compensation: ended(compensation, at, undefined) };
    case 'escalated': {
      const call = ended(step[record.phase], at, record.failure);
      return record.phase === 'action'
        ? { ...step, status: 'needs-human', action: call }
        : { ...step, status: 'needs-human', compensation: call };
    }
  }
}
