import { isCompensatable, type SagaDefinition, type StepDefinition } from './definition.ts';
import type { SagaState } from './state.ts';
import { stepOf } from './step-of.ts';
import type { StepState } from './step-state.ts';

/** Whether a step still has to be undone, or is being undone. */
function isToUndo(definition: StepDefinition, step: StepState): boolean {
  if (!isCompensatable(definition)) return false;
  if (step.status === 'confirmed' || step.status === 'unknown' || step.status === 'compensating') return true;
  const undoneAnyway = definition.kind === 'call' && definition.compensateOnFailure;
  // What a probe found not to have happened is prevented for good; there is nothing to undo.
  return undoneAnyway && step.status === 'failed' && step.action.attempts > 0 && step.probe.attempts === 0;
}

/** Steps of unknown outcome come before every applied one; a step in hand comes first of all. */
function urgency(step: StepState): number {
  if (step.status === 'compensating') return 2;
  return step.status === 'unknown' ? 1 : 0;
}

/** The steps of a saga by what was built on what; a step of a `forEach` stands where its list does. */
class Order {
  private readonly definition: SagaDefinition;
  private readonly state: SagaState;
  private readonly built = new Map<number, readonly number[]>();

  constructor(definition: SagaDefinition, state: SagaState) {
    this.definition = definition;
    this.state = state;
  }

  definitionOf(index: number): StepDefinition {
    return stepOf(this.definition, this.state, index);
  }

  toUndo(index: number): boolean {
    const step = this.state.steps[index];
    return step !== undefined && isToUndo(this.definitionOf(index), step);
  }

  /** Places of the definitions that were built on this one, directly or by others between. */
  private successors(place: number): readonly number[] {
    const known = this.built.get(place);
    if (known !== undefined) return known;
    const direct = this.definition.steps.filter(({ after }) => after.includes(place)).map(({ index }) => index);
    const all = [...new Set([...direct, ...direct.flatMap((next) => this.successors(next))])];
    this.built.set(place, all);
    return all;
  }

  /** Whether any of the steps that were built on this one is such. */
  anyBuiltOn(index: number, test: (index: number) => boolean): boolean {
    const places = this.successors(this.state.steps[index]?.facts.of ?? index);
    return this.state.steps.some((step, other) => places.includes(step.facts.of ?? other) && test(other));
  }
}

/**
 * The steps to undo now. Sequentially: one, in reverse order of *completion*, so that what was built on an earlier effect
 * goes before it, also across parallel branches; steps whose outcome is unknown come first, the latest started first. In
 * parallel: every step on which nothing is built any more.
 *
 * @returns places of the steps, and whether anything at all is left to undo.
 * @internal
 */
export function nextToUndo(definition: SagaDefinition, state: SagaState): readonly number[] {
  const order = new Order(definition, state);
  const candidates = state.steps.flatMap((_, index) => (order.toUndo(index) ? [index] : []));
  const isStuck = (index: number): boolean => state.steps[index]?.status === 'needs-human';
  const anyStuck = state.steps.some((_, index) => isStuck(index));
  const free = anyStuck ? candidates.filter((index) => !order.anyBuiltOn(index, isStuck)) : candidates;
  if (definition.compensation === 'parallel') {
    return free.filter((index) => !order.anyBuiltOn(index, (other) => order.toUndo(other)));
  }
  const at = (index: number): StepState => state.steps[index] as StepState;
  const [first] = free.toSorted(
    (left, right) => urgency(at(right)) - urgency(at(left)) || at(right).rank - at(left).rank,
  );
  return first === undefined ? [] : [first];
}
