import type { SagaRecord } from './record.ts';

/**
 * Where a saga and its steps stand, and the ways between.
 *
 *   running ⇄ waiting ──► compensating ──► compensated
 *      │  │                   └─────────► needs-human ──► compensating …   (a person decides)
 *      │  └──► needs-human                                  (past the pivot, an action gave up)
 *      └────► completed                       any of them but the ends ──► terminated
 *
 * A step:  pending ► running ► confirmed ► compensating ► compensated
 *             │         ├────► failed                └──► needs-human
 *             │         ├────► unknown ► compensating …
 *             │         └────► needs-human
 *             └► skipped
 */
/**
 * Where a saga stands. `waiting`: until a timer, a signal, a child or its parent speaks. `completed`, `compensated` and
 * `terminated` are ends; `needs-human` waits for a person.
 */
export type SagaStatus =
  | 'running'
  | 'waiting'
  | 'compensating'
  | 'completed'
  | 'compensated'
  | 'needs-human'
  | 'terminated'
  | 'deleted';

/** Where a step stands. */
export type StepStatus =
  | 'pending'
  | 'running'
  | 'confirmed'
  | 'failed'
  | 'unknown'
  | 'compensating'
  | 'compensated'
  | 'skipped'
  | 'needs-human';

/**
 * Whether the saga has ended: completed, compensated or terminated.
 *
 * @internal
 */
export function isTerminal(status: SagaStatus): boolean {
  return status === 'completed' || status === 'compensated' || status === 'terminated' || status === 'deleted';
}

const ends: { readonly [Type in SagaRecord['type']]?: SagaStatus } = {
  'saga-waiting': 'waiting',
  'saga-held': 'waiting',
  'saga-compensating': 'compensating',
  'saga-completed': 'completed',
  'saga-compensated': 'compensated',
  'saga-terminated': 'terminated',
  'saga-deleted': 'deleted',
  escalated: 'needs-human',
};

/**
 * What a saga's status is after a record: also for whoever keeps an index of sagas without their whole state.
 *
 * @internal
 */
export function statusAfter(status: SagaStatus, record: SagaRecord): SagaStatus {
  switch (record.type) {
    case 'step-started':
    case 'step-polled':
    case 'step-confirmed':
    case 'step-skipped':
      return status === 'waiting' ? 'running' : status;
    case 'human-decided':
      return record.leadsTo;
    default:
      return ends[record.type] ?? status;
  }
}

const endings: ReadonlySet<SagaRecord['type']> = new Set([
  'saga-completed',
  'saga-compensated',
  'saga-closed',
  'saga-deleted',
]);

/**
 * Whether nothing can follow this record but its deletion. A terminated saga is finished only when a person has closed it.
 *
 * @internal
 */
export function finishes(record: SagaRecord): boolean {
  return endings.has(record.type);
}
