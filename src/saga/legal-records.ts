import { MakegoodError } from '../errors.ts';
import type { SagaRecord } from './record.ts';
import type { SagaStatus, StepStatus } from './status.ts';
import type { CallState, StepState } from './step-state.ts';

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
  readonly open?: 'action' | 'compensation';
}

const forward = ['running', 'needs-human'] as const;
const anyOpen = ['running', 'compensating', 'needs-human'] as const;

// The whole legality of the log in one table: what is not allowed here can neither be written nor replayed.
export const preconditions: { readonly [Type in SagaRecord['type']]: Precondition } = {
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

/** Refuses a record that cannot follow what its step has behind it. */
export function checkStep(record: SagaRecord, step: StepState, rule: Precondition): void {
  if (rule.step !== undefined && !rule.step.includes(step.status))
    refuse(record, `step "${step.name}" is ${step.status}`);
  if (rule.open !== undefined && !step[rule.open].open) refuse(record, `no attempt of step "${step.name}" is open`);
  if (record.type === 'step-started' && step.action.open) refuse(record, `an attempt of step "${step.name}" is open`);
  if ('attempt' in record) {
    const undoing = record.type.startsWith('compensation') || record.type === 'step-compensated';
    checkAttempt(record, undoing ? step.compensation : step.action, record.type.endsWith('-started'));
  }
}
