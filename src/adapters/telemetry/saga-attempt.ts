import type { Failure } from '../../saga/failure.ts';
import type { CallKind, SagaRecord } from '../../saga/record.ts';

/** An attempt at one of a step's calls is about to be made. */
export interface AttemptBegun {
  readonly says: 'begun';
  readonly step: string;
  readonly call: CallKind;
  readonly attempt: number;
}

/** An attempt at one of a step's calls has ended. */
export interface AttemptOver {
  readonly says: 'ended';
  readonly step: string;
  readonly call: CallKind;
  readonly outcome: 'success' | 'failure' | 'refused';
  readonly failure?: Failure;
  /** Present when another attempt will be made. */
  readonly delayMs?: number;
}

/** What a record says about an attempt. */
export type AttemptNote = AttemptBegun | AttemptOver;

/** What a record says about an attempt; `undefined` when it is about something else. Pure. */
export function attemptNoteOf(record: SagaRecord): AttemptNote | undefined {
  switch (record.type) {
    case 'step-started':
      return begun('action', record);
    case 'compensation-started':
      return begun('compensation', record);
    case 'probe-started':
      return begun('probe', record);
    case 'step-confirmed':
      return ended('action', record, 'success');
    case 'step-compensated':
      return ended('compensation', record, 'success');
    case 'probe-answered':
      return ended('probe', record, 'success');
    case 'attempt-failed':
    case 'step-failed':
    case 'step-unknown':
      return ended('action', record, 'failure');
    case 'compensation-attempt-failed':
      return ended('compensation', record, 'failure');
    case 'probe-failed':
      return ended('probe', record, 'failure');
    case 'attempt-postponed':
      return { ...ended(record.phase, record, 'refused'), delayMs: record.retryAt - record.timestamp };
    case 'escalated':
      return record.step === undefined ? undefined : ended(record.phase, { ...record, step: record.step }, 'failure');
    default:
      return undefined;
  }
}

function begun(call: CallKind, { step, attempt }: { readonly step: string; readonly attempt: number }): AttemptBegun {
  return { says: 'begun', step, call, attempt };
}

function ended(
  call: CallKind,
  record: { readonly step: string; readonly failure?: Failure; readonly delayMs?: number },
  outcome: AttemptOver['outcome'],
): AttemptOver {
  const { step, failure, delayMs } = record;
  return { says: 'ended', step, call, outcome, ...(failure && { failure }), ...(delayMs !== undefined && { delayMs }) };
}

/** What a step's call is named among operations: `place-order/charge`, or `place-order/charge/compensation`. */
export function operationOf(sagaName: string, { step, call }: Pick<AttemptNote, 'step' | 'call'>): string {
  return call === 'action' ? `${sagaName}/${step}` : `${sagaName}/${step}/${call}`;
}

/** How a saga has ended, when the record is its end. */
export function sagaOutcomeOf(record: SagaRecord): 'completed' | 'compensated' | 'terminated' | undefined {
  if (record.type === 'saga-completed') return 'completed';
  if (record.type === 'saga-compensated') return 'compensated';
  return record.type === 'saga-terminated' ? 'terminated' : undefined;
}
