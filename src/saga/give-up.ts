import type { StepDefinition } from './definition.ts';
import type { Draft } from './draft.ts';
import type { Failure } from './failure.ts';
import type { CompensationReason } from './record.ts';

/** An action has failed for good: undo the saga, or, when the point of no return may be behind it, ask a person. */
export function giveUp(draft: Draft, step: StepDefinition, reason: CompensationReason, failure: Failure): void {
  if (draft.state.reason !== undefined) return;
  const mayBePast = step.afterPivot || (step.pivot && draft.stepState(step.index).status === 'unknown');
  if (mayBePast) draft.write('escalated', { step: step.name, phase: 'action', failure });
  else draft.write('saga-compensating', { reason, failure });
}
