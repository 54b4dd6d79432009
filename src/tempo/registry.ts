import type { SagaDefinition } from '../saga/definition.ts';
import type { SagaState } from '../saga/state.ts';

/** The saga definitions that a coordinator can drive, by name and version. */
export class Registry {
  private readonly definitions = new Map<string, SagaDefinition>();

  constructor(sagas: readonly SagaDefinition[]) {
    for (const saga of sagas) {
      const key = `${saga.name}@${saga.version}`;
      if (this.definitions.has(key)) throw new TypeError(`Expected saga definitions to differ, got "${key}" twice`);
      this.definitions.set(key, saga);
    }
  }

  /** Refuses a definition that was not registered: its sagas could not be recovered after a restart. */
  check(saga: SagaDefinition): void {
    if (this.definitions.get(`${saga.name}@${saga.version}`) === saga) return;
    throw new TypeError(
      `Expected saga "${saga.name}" version "${saga.version}" to be among the sagas given to openTempo`,
    );
  }

  /** The definition that an instance was started with; `undefined` when it is not here, or has changed its structure. */
  definitionOf(state: SagaState): SagaDefinition | undefined {
    const saga = this.definitions.get(`${state.name}@${state.version}`);
    return saga?.hash === state.definition ? saga : undefined;
  }
}
