import type { Draft } from './draft.ts';
import type { Failure } from './failure.ts';
import type { CompensationReason } from './record.ts';

/** An action has failed for good: undo the saga, or, when the point of no return may be behind it, ask a person. */
export function giveUp(draft: Draft, index: number, reason: CompensationReason, failure: Failure): void {
  if (draft.state.reason !== undefined) return;
  const step = draft.stepDefinition(index);
  const { name, status } = draft.stepState(index);
  const mayBePast = step.afterPivot || (step.pivot && status === 'unknown');
  // A transient failure of a saga-first step is no reason to undo the saga: a person is asked when its attempts are used.
  const asksFirst = step.kind === 'call' && step.mode === 'saga-first' && reason === 'attempts-exhausted';
  if (mayBePast || asksFirst) draft.write('escalated', { step: name, phase: 'action', failure });
  else draft.write('saga-compensating', { reason, failure });
}
