import type { SagaDefinition, StepDefinition } from './definition.ts';
import type { SagaState } from './state.ts';

/**
 * The definition of one of a saga's steps, those that a `forEach` added included: they share that of their list.
 *
 * @param index place of the step in the state.
 * @internal
 */
export function stepOf(definition: SagaDefinition, state: SagaState, index: number): StepDefinition {
  const own = definition.steps[index];
  if (own !== undefined) return own;
  const list = definition.steps[state.steps[index]?.facts.of ?? -1];
  if (list?.kind === 'each') return list.each;
  throw new RangeError(`Expected a step of saga "${definition.name}", got index ${index}`);
}
