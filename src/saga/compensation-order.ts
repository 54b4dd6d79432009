import type { SagaDefinition, StepDefinition } from './definition.ts';
import type { SagaState } from './state.ts';
import type { StepState } from './step-state.ts';

/** Whether a step still has to be undone, or is being undone. */
function isToUndo(step: StepState): boolean {
  return step.status === 'confirmed' || step.status === 'unknown' || step.status === 'compensating';
}

/** Steps of unknown outcome come before every applied one; a step in hand comes first of all. */
function urgency(step: StepState): number {
  if (step.status === 'compensating') return 2;
  return step.status === 'unknown' ? 1 : 0;
}

/**
 * The step to undo next, one at a time: in reverse order of *completion*, so that what was built on an earlier effect
 * goes before it, also across parallel branches. Steps whose outcome is unknown come first, the latest started first.
 *
 * @returns the step, or `undefined` when nothing is left to undo.
 * @internal
 */
export function nextToUndo(definition: SagaDefinition, state: SagaState): StepDefinition | undefined {
  let next: StepState | undefined;
  let found: StepDefinition | undefined;
  for (const step of definition.steps) {
    const candidate = state.steps[step.index];
    if (candidate === undefined || step.compensate === undefined || !isToUndo(candidate)) continue;
    const ahead = next === undefined ? 1 : urgency(candidate) - urgency(next) || candidate.rank - next.rank;
    if (ahead > 0) {
      next = candidate;
      found = step;
    }
  }
  return found;
}
