/**
 * One saga-first step, as its records tell it:
 *
 *   registered ──► confirmed ──► released
 *      │  │            └──► triggered          (the saga as a whole is undone)
 *      │  └──► triggered ──► compensated
 *      │           │  ▲  └──► noop             (nothing had happened, and nothing will)
 *      │           ▼  │
 *      └──────► needs-human ──► resolved
 *
 * The first decision, `confirmed` or `triggered`, is the one that holds.
 */
import type { Failure } from '../failure.ts';
import type { JsonValue } from '../json-value.ts';
import type {
  CompensationRegistration,
  SagaFirstRecord,
  SagaFirstRecordType,
  TriggerReason,
} from './saga-first-record.ts';

/** Where a saga-first step stands. */
export type SagaFirstStatus =
  | 'registered'
  | 'confirmed'
  | 'triggered'
  | 'needs-human'
  | 'compensated'
  | 'noop'
  | 'resolved'
  | 'released';

/** The fold of the records of one saga-first step. Times are the store's, ms since 1970. */
export interface SagaFirstState {
  /** `sagaId/step`. */
  readonly id: string;
  readonly status: SagaFirstStatus;
  /** Number of the last record. */
  readonly seq: number;
  readonly registration: CompensationRegistration;
  readonly registeredAt: number;
  /** When the last record was written: of a closed step, since when it is closed. */
  readonly changedAt: number;
  /** Calls of the operation that were announced; the registration announces the first. */
  readonly operationAttempts: number;
  /** Calls of the compensation that were announced, in this generation. */
  readonly compensationAttempts: number;
  /** When the last call of either kind was announced. */
  readonly lastAttemptAt: number;
  /** How often a person has had the compensation tried again. */
  readonly generation: number;
  /** What the operation answered; present once confirmed. */
  readonly result?: JsonValue;
  readonly reason?: TriggerReason;
  /** Whether a call of the operation may have been on its way when its undoing was decided. */
  readonly mayArrive?: true;
  readonly failure?: Failure;
}

const followers: Readonly<Record<SagaFirstStatus, readonly SagaFirstRecordType[]>> = {
  registered: ['attempted', 'confirmed', 'triggered', 'escalated'],
  confirmed: ['triggered', 'released'],
  triggered: ['attempted', 'compensated', 'noop', 'escalated'],
  'needs-human': ['resolved', 'reopened'],
  compensated: [],
  noop: [],
  resolved: [],
  released: [],
};

/**
 * Whether nothing can follow any more: the step has only to be remembered, for calls that come again.
 *
 * @internal
 */
export function isClosed(status: SagaFirstStatus): boolean {
  return followers[status].length === 0;
}

/**
 * Whether a record of this kind may come next.
 *
 * @internal
 */
export function mayFollow(state: SagaFirstState | undefined, type: SagaFirstRecordType): boolean {
  return state === undefined ? type === 'registered' : followers[state.status].includes(type);
}

/**
 * The state after a record: the only way a saga-first step's state comes to be.
 *
 * @throws {TypeError} when the record cannot be next; a store asks {@link mayFollow} first.
 * @internal
 */
export function applySagaFirst(id: string, state: SagaFirstState | undefined, record: SagaFirstRecord): SagaFirstState {
  const expectedSeq = (state?.seq ?? 0) + 1;
  if (record.seq !== expectedSeq || !mayFollow(state, record.type)) {
    const found = state === undefined ? 'nothing is registered' : `${state.status} after record ${state.seq}`;
    throw new TypeError(
      `Expected record ${expectedSeq} of saga-first step "${id}" (${found}), got ${record.seq} "${record.type}"`,
    );
  }
  if (record.type === 'registered') return begin(id, record);
  return { ...changed(state as SagaFirstState, record), seq: record.seq, changedAt: record.at };
}

function begin(
  id: string,
  { name, args, operationKey, settleAfterMs, version, at }: SagaFirstRecord & CompensationRegistration,
): SagaFirstState {
  return {
    id,
    status: 'registered',
    seq: 1,
    registration: { name, args, operationKey, settleAfterMs, version },
    registeredAt: at,
    changedAt: at,
    operationAttempts: 1,
    compensationAttempts: 0,
    lastAttemptAt: at,
    generation: 0,
  };
}

function changed(state: SagaFirstState, record: Exclude<SagaFirstRecord, { type: 'registered' }>): SagaFirstState {
  switch (record.type) {
    case 'attempted': {
      const { phase, attempt, at } = record;
      const counted = phase === 'operation' ? { operationAttempts: attempt } : { compensationAttempts: attempt };
      return { ...state, ...counted, lastAttemptAt: at };
    }
    case 'confirmed':
      return { ...state, status: 'confirmed', result: record.result };
    case 'triggered': {
      const { type: status, reason, failure, mayArrive } = record;
      return {
        ...state,
        status,
        reason,
        ...(failure === undefined ? {} : { failure }),
        ...(mayArrive === undefined ? {} : { mayArrive }),
      };
    }
    case 'escalated':
      return { ...state, status: 'needs-human', failure: record.failure };
    case 'reopened':
      // What a person wants tried again is undone: of an operation nobody knows, that is what is safe.
      return {
        ...state,
        status: 'triggered',
        reason: state.reason ?? 'human',
        generation: state.generation + 1,
        compensationAttempts: 0,
      };
    case 'compensated':
    case 'noop':
    case 'resolved':
    case 'released':
      return { ...state, status: record.type };
  }
}
