import type { SagaDefinition } from '../saga/definition.ts';
import type { SagaState } from '../saga/state.ts';

/**
 * A stand-in for a definition that is not registered here: enough to write down what a person decides about its saga, and
 * nothing to run.
 *
 * @internal
 */
export function strangerOf({ name, version, definition, steps }: SagaState): SagaDefinition {
  return {
    name,
    version,
    hash: definition,
    deadlineMs: undefined,
    compensation: 'sequential',
    onStuck: 'hold',
    inputSchema: undefined,
    makeOutput: () => null,
    steps: steps.map((step, index) => ({
      kind: 'sleep',
      name: step.name,
      index,
      after: [],
      pivot: false,
      afterPivot: false,
      when: undefined,
      sleepMs: 0,
    })),
  };
}
