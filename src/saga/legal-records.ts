import { MakegoodError } from '../errors.ts';
import type { CallKind, SagaRecord } from './record.ts';
import type { SagaStatus, StepStatus } from './status.ts';
import type { CallState } from './call-state.ts';
import type { StepState } from './step-state.ts';

/** Thrown for a record that cannot follow what came before it: the log, or the code that wrote it, is wrong. */
export class IllegalRecordError extends MakegoodError {
  /** The record's place in its saga. */
  readonly seq: number;

  constructor(seq: number, message: string) {
    super('MAKEGOOD_ILLEGAL_RECORD', message);
    this.seq = seq;
  }
}

/** Throws an {@link IllegalRecordError}. */
export function refuse(record: SagaRecord, why: string): never {
  throw new IllegalRecordError(record.seq, `record ${record.seq} "${record.type}" cannot be applied: ${why}`);
}

/** What may precede a record: the saga's and the step's status, and whether an attempt must be open. */
export interface Precondition {
  readonly saga: readonly SagaStatus[];
  readonly step?: readonly StepStatus[];
  readonly open?: CallKind;
}

const forward = ['running', 'waiting', 'needs-human'] as const;
const backward = ['compensating', 'needs-human'] as const;
const anyOpen = ['running', 'waiting', 'compensating', 'needs-human'] as const;
// While its action is made, its undoing, or the question whether there is something to undo.
const inHand = ['running', 'compensating', 'unknown'] as const;
const toUndo = ['confirmed', 'failed', 'unknown', 'compensating'] as const;

// The whole legality of the log in one table: what is not allowed here can neither be written nor replayed.
export const preconditions: { readonly [Type in SagaRecord['type']]: Precondition } = {
  'saga-started': { saga: [] },
  'saga-waiting': { saga: ['running'] },
  'step-skipped': { saga: anyOpen, step: ['pending', 'running', 'needs-human'] },
  'step-waiting': { saga: forward, step: ['pending'] },
  'signal-received': { saga: forward, step: ['pending', 'running'] },
  'items-listed': { saga: forward, step: ['pending'] },
  'step-started': { saga: forward, step: ['pending', 'running'] },
  'attempt-in-progress': { saga: anyOpen, step: inHand },
  'step-polled': { saga: anyOpen, step: inHand },
  'attempt-postponed': { saga: anyOpen, step: inHand },
  'step-confirmed': { saga: anyOpen, step: ['pending', 'running'], open: 'action' },
  'attempt-failed': { saga: forward, step: ['running'], open: 'action' },
  'step-failed': { saga: anyOpen, step: ['pending', 'running'] },
  'step-unknown': { saga: anyOpen, step: ['running', 'needs-human'] },
  'step-settled': { saga: anyOpen },
  'saga-compensating': { saga: forward },
  'probe-started': { saga: backward, step: ['unknown'] },
  'probe-failed': { saga: backward, step: ['unknown'], open: 'probe' },
  'probe-answered': { saga: backward, step: ['unknown'], open: 'probe' },
  'compensation-started': { saga: backward, step: toUndo },
  'compensation-attempt-failed': { saga: backward, step: ['compensating'], open: 'compensation' },
  'step-compensated': { saga: backward, step: ['compensating'], open: 'compensation' },
  escalated: { saga: anyOpen },
  'human-decided': { saga: ['needs-human'], step: ['needs-human'] },
  'saga-held': { saga: ['running', 'waiting', 'needs-human'] },
  'saga-completed': { saga: ['running', 'waiting', 'needs-human'] },
  'saga-compensated': { saga: ['compensating'] },
  'saga-migrated': { saga: anyOpen },
  'deadline-renewed': { saga: forward },
  'saga-terminated': { saga: anyOpen },
  'saga-closed': { saga: ['terminated'] },
  'saga-deleted': { saga: ['completed', 'compensated', 'terminated'] },
};

/** Which of a step's calls a record speaks of. */
function callOf(record: SagaRecord, step: StepState): CallState {
  if ('phase' in record && record.phase !== undefined && record.type !== 'escalated') return step[record.phase];
  if (record.type.startsWith('probe')) return step.probe;
  return record.type.startsWith('compensation') || record.type === 'step-compensated' ? step.compensation : step.action;
}

function checkAttempt(record: SagaRecord & { readonly attempt: number }, call: CallState): void {
  const starts = record.type.endsWith('-started');
  const expected = starts ? call.attempts + 1 : call.attempts;
  if (record.attempt !== expected) refuse(record, `expected attempt ${expected}, got ${record.attempt}`);
  if (record.type === 'step-polled' && !call.polling) refuse(record, 'its callee is not at it');
}

/** Refuses a record that cannot follow what its step has behind it. */
export function checkStep(record: SagaRecord, step: StepState, rule: Precondition): void {
  if (rule.step !== undefined && !rule.step.includes(step.status))
    refuse(record, `step "${step.name}" is ${step.status}`);
  // Attempt 0 is of a step that makes no call: a sleep, a wait, a list of items.
  const calls = !('attempt' in record) || record.attempt > 0;
  if (rule.open !== undefined && calls && !step[rule.open].open)
    refuse(record, `no attempt of step "${step.name}" is open`);
  if (record.type === 'step-started' && step.action.open) refuse(record, `an attempt of step "${step.name}" is open`);
  if ('attempt' in record) checkAttempt(record, callOf(record, step));
}
