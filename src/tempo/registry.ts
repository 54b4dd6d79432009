import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { SagaState } from '../saga/state.ts';

/** The saga definitions that a coordinator can drive, by name and version, with the sagas that are steps of them. */
export class Registry {
  private readonly definitions = new Map<string, SagaDefinition>();

  constructor(sagas: readonly SagaDefinition[]) {
    for (const [place, saga] of sagas.entries()) {
      if (sagas.indexOf(saga) !== place) throw new TypeError(twice(saga));
      this.add(saga);
    }
  }

  /** Adds a definition and those of its children. */
  add(saga: SagaDefinition): void {
    const known = this.definitions.get(keyOf(saga));
    if (known === saga) return;
    if (known !== undefined) throw new TypeError(twice(saga));
    this.definitions.set(keyOf(saga), saga);
    for (const child of saga.steps.flatMap(childrenOf)) this.add(child);
  }

  /** Takes a definition back that was added and must not stay. */
  remove(saga: SagaDefinition): void {
    this.definitions.delete(keyOf(saga));
  }

  /** Refuses a definition that was not registered: its sagas could not be recovered after a restart. */
  check(saga: SagaDefinition): void {
    if (this.definitions.get(keyOf(saga)) === saga) return;
    throw new TypeError(
      `Expected saga "${saga.name}" version "${saga.version}" to be among the sagas given to openTempo`,
    );
  }

  /** The definition that an instance was started with; `undefined` when it is not here, or has changed its structure. */
  definitionOf(state: SagaState): SagaDefinition | undefined {
    const saga = this.definitions.get(keyOf(state));
    return saga?.hash === state.definition ? saga : undefined;
  }

  /** A step that an instance was started with and the definition of its name and version lacks. */
  missingStep(state: SagaState): string | undefined {
    const saga = this.definitions.get(keyOf(state));
    if (saga === undefined || saga.hash === state.definition) return undefined;
    const lacks = (name: string): boolean => !saga.steps.some((step) => step.name === name);
    return state.steps.find(({ name, facts }) => facts.of === undefined && lacks(name))?.name;
  }

  /** Whether any version of a saga has such a step. */
  hasStep(name: string, step: string): boolean {
    return [...this.definitions.values()].some(
      (saga) => saga.name === name && saga.steps.some((own) => own.name === step),
    );
  }
}

function keyOf({ name, version }: { readonly name: string; readonly version: string }): string {
  return `${name}@${version}`;
}

function twice(saga: SagaDefinition): string {
  return `Expected saga definitions to differ, got "${keyOf(saga)}" twice`;
}

function childrenOf(step: StepDefinition): readonly SagaDefinition[] {
  const own = step.kind === 'each' ? step.each : step;
  return own.kind === 'child' ? [own.child] : [];
}
