/**
 * Where a saga and its steps stand, and the ways between.
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

/**
 * Whether nothing can follow: the saga is completed or compensated.
 *
 * @internal
 */
export function isTerminal(status: SagaStatus): boolean {
  return status === 'completed' || status === 'compensated';
}
