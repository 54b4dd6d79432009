/**
 * The state of a saga, as a fold over its records.
 *
 *   running ──► compensating ──► compensated
 *      │  │          └─────────► needs-human     (a compensation gave up)
 *      │  └──► needs-human                       (past the pivot, an action gave up)
 *      └────► completed
 *
 * A step:  pending ► running ► confirmed ► compensating ► compensated
 *                       ├────► failed                └──► needs-human
 *                       ├────► unknown ► compensating …
 *                       └────► needs-human
 */
import type { Failure } from './failure.ts';
import type { JsonValue } from './json-value.ts';
import type { CompensationReason, SagaRecord, SagaRecordOf } from './record.ts';

/** Where a saga stands. The last four of a run are ends, except that `needs-human` waits for a person. */
export type SagaStatus = 'running' | 'compensating' | 'completed' | 'compensated' | 'needs-human';

/** Where a step stands. */
export type StepStatus =
  | 'pending'
  | 'running'
  | 'confirmed'
  | 'failed'
  | 'unknown'
  | 'compensating'
  | 'compensated'
  | 'needs-human';

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

/** One saga, as its records tell. Immutable: a later record makes a new one and leaves this to its readers. */
export interface SagaState {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly definition: string;
  readonly status: SagaStatus;
  readonly reason: CompensationReason | undefined;
  readonly failure: Failure | undefined;
  readonly input: JsonValue;
  readonly output: JsonValue | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadlineAt: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the last record applied. */
  readonly seq: number;
  readonly epoch: number;
  readonly steps: readonly StepState[];
}

/** A record that cannot follow what came before it: the log, or the code that wrote it, is wrong. */
export class IllegalRecordError extends Error {
  override readonly name = 'IllegalRecordError';
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

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Whether nothing can follow: the saga is completed or compensated.
 *
 * @internal
 */
export function isTerminal(status: SagaStatus): boolean {
  return status === 'completed' || status === 'compensated';
}

function refuse(record: SagaRecord, why: string): never {
  throw new IllegalRecordError(`Record ${record.seq} "${record.type}" cannot be applied: ${why}`);
}

function startState(id: string, record: SagaRecordOf<'saga-started'>): SagaState {
  return {
    id,
    name: record.name,
    version: record.version,
    definition: record.definition,
    status: 'running',
    reason: undefined,
    failure: undefined,
    input: record.input,
    output: undefined,
    headers: record.headers ?? noHeaders,
    deadlineAt: record.deadlineAt,
    createdAt: record.timestamp,
    updatedAt: record.timestamp,
    seq: record.seq,
    epoch: record.epoch,
    steps: record.steps.map((name) => ({
      name,
      status: 'pending',
      output: undefined,
      rank: 0,
      settleAt: undefined,
      action: noCall,
      compensation: noCall,
    })),
  };
}

/** What may precede a record: the saga's and the step's status, and whether an attempt must be open. */
interface Precondition {
  readonly saga: readonly SagaStatus[];
  readonly step?: readonly StepStatus[];
  readonly open?: 'action' | 'compensation';
}

const forward = ['running', 'needs-human'] as const;
const anyOpen = ['running', 'compensating', 'needs-human'] as const;

// The whole legality of the log in one table: what is not allowed here can neither be written nor replayed.
const preconditions: { readonly [Type in SagaRecord['type']]: Precondition } = {
  'saga-started': { saga: [] },
  'step-started': { saga: forward, step: ['pending', 'running'] },
  'step-confirmed': { saga: anyOpen, step: ['running'], open: 'action' },
  'attempt-failed': { saga: forward, step: ['running'], open: 'action' },
  'step-failed': { saga: anyOpen, step: ['running'], open: 'action' },
  'step-unknown': { saga: anyOpen, step: ['running'] },
  'step-settled': { saga: anyOpen },
  'saga-compensating': { saga: ['running'] },
  'compensation-started': { saga: ['compensating'], step: ['confirmed', 'unknown', 'compensating'] },
  'compensation-attempt-failed': { saga: ['compensating'], step: ['compensating'], open: 'compensation' },
  'step-compensated': { saga: ['compensating'], step: ['compensating'], open: 'compensation' },
  escalated: { saga: anyOpen },
  'saga-completed': { saga: ['running'] },
  'saga-compensated': { saga: ['compensating'] },
};

function checkAttempt(record: SagaRecord & { readonly attempt: number }, call: CallState, starts: boolean): void {
  const expected = starts ? call.attempts + 1 : call.attempts;
  if (record.attempt !== expected) refuse(record, `expected attempt ${expected}, got ${record.attempt}`);
}

function checkStep(record: SagaRecord, step: StepState, rule: Precondition): void {
  if (rule.step !== undefined && !rule.step.includes(step.status))
    refuse(record, `step "${step.name}" is ${step.status}`);
  if (rule.open !== undefined && !step[rule.open].open) refuse(record, `no attempt of step "${step.name}" is open`);
  if (record.type === 'step-started' && step.action.open) refuse(record, `an attempt of step "${step.name}" is open`);
  if ('attempt' in record) {
    const undoing = record.type.startsWith('compensation') || record.type === 'step-compensated';
    checkAttempt(record, undoing ? step.compensation : step.action, record.type.endsWith('-started'));
  }
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
type StepRecord = Extract<SagaRecord, { readonly step: string }> | SagaRecordOf<'escalated'>;

function applyToStep(step: StepState, record: StepRecord): StepState {
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

function replaceStep(state: SagaState, record: StepRecord, rule: Precondition): readonly StepState[] {
  if (record.step === undefined) return state.steps;
  const index = state.steps.findIndex((step) => step.name === record.step);
  const step = state.steps[index];
  if (step === undefined) refuse(record, `the saga has no step "${record.step}"`);
  checkStep(record, step, rule);
  const steps = state.steps.slice();
  steps[index] = applyToStep(step, record);
  return steps;
}

/**
 * What a saga's state is after one more record: the only way a state comes to be, live or recovered.
 *
 * @param id the saga's id.
 * @param state the state so far; `undefined` before the first record.
 * @param record the next record; its `seq` must follow.
 * @returns a new state; the old one is untouched and still true for its log position.
 * @throws {IllegalRecordError} when the record cannot follow.
 * @internal
 */
export function applyRecord(id: string, state: SagaState | undefined, record: SagaRecord): SagaState {
  if (state === undefined) {
    if (record.type !== 'saga-started') refuse(record, 'a saga begins with "saga-started"');
    if (record.seq !== 1) refuse(record, 'a saga begins with seq 1');
    return startState(id, record);
  }
  if (record.seq !== state.seq + 1) refuse(record, `expected seq ${state.seq + 1}`);
  if (record.epoch < state.epoch) refuse(record, `expected epoch ≥ ${state.epoch}, got ${record.epoch}`);
  const rule = preconditions[record.type];
  if (!rule.saga.includes(state.status)) refuse(record, `the saga is ${state.status}`);
  if (record.type === 'step-started' && state.reason !== undefined) refuse(record, 'the saga is being undone');
  // One copy a record, changed before anybody sees it: this is the hot path of every saga.
  const next: Writable<SagaState> = { ...state };
  next.seq = record.seq;
  next.epoch = record.epoch;
  next.updatedAt = record.timestamp;
  applyToSaga(next, record, rule);
  return next;
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

function applyToSaga(next: Writable<SagaState>, record: SagaRecord, rule: Precondition): void {
  switch (record.type) {
    case 'saga-started':
      return refuse(record, 'the saga has started already');
    case 'saga-compensating':
      next.status = 'compensating';
      next.reason = record.reason;
      next.failure = record.failure;
      return;
    case 'saga-completed':
      next.status = 'completed';
      next.output = record.output;
      return;
    case 'saga-compensated':
      next.status = 'compensated';
      return;
    case 'escalated':
      next.status = 'needs-human';
      next.failure ??= record.failure;
      next.steps = replaceStep(next, record, rule);
      return;
    default:
      next.steps = replaceStep(next, record, rule);
  }
}

/**
 * The state after a list of records.
 *
 * @returns the state, or `undefined` for an empty list.
 * @throws {IllegalRecordError} when a record cannot follow the one before.
 * @internal
 */
export function foldRecords(id: string, records: Iterable<SagaRecord>): SagaState | undefined {
  let state: SagaState | undefined;
  for (const record of records) state = applyRecord(id, state, record);
  return state;
}
