import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { JsonValue } from '../saga/json-value.ts';
import type { SagaState } from '../saga/state.ts';

/** What a saga was started with that was not registered: its name, its version, and what its definition is made of. */
export interface PlannedSaga {
  readonly name: string;
  readonly version: string;
  readonly plan: JsonValue;
}

/** Makes the definition of a saga again of what is kept with it. The same plan must give the same steps, for ever. */
export type PlanReader = (saga: PlannedSaga) => SagaDefinition;

/** The saga definitions that a coordinator can drive, by name and version, with the sagas that are steps of them. */
export class Registry {
  private readonly definitions = new Map<string, SagaDefinition>();
  private readonly readPlan: PlanReader | undefined;

  constructor(sagas: readonly SagaDefinition[], readPlan?: PlanReader) {
    this.readPlan = readPlan;
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
    if (saga.plan === undefined ? this.definitions.get(keyOf(saga)) === saga : this.readPlan !== undefined) return;
    throw new TypeError(
      `Expected saga "${saga.name}" version "${saga.version}" to be among the sagas given to openTempo`,
    );
  }

  /** The definition that an instance was started with; `undefined` when it is not here, or has changed its structure. */
  definitionOf(state: SagaState): SagaDefinition | undefined {
    if (state.plan !== undefined) return this.planned({ ...state, plan: state.plan });
    const saga = this.definitions.get(keyOf(state));
    return saga?.hash === state.definition ? saga : undefined;
  }

  /** The definition of a saga that brought its own; one that cannot be read waits, as an unknown one does. */
  private planned({ name, version, plan }: PlannedSaga): SagaDefinition | undefined {
    try {
      return this.readPlan?.({ name, version, plan });
    } catch {
      return undefined;
    }
  }

  /** The definition of a name and version; `undefined` when it is not here. */
  named(name: string, version: string): SagaDefinition | undefined {
    return this.definitions.get(keyOf({ name, version }));
  }

  /** A step that an instance was started with and the definition of its name and version lacks. */
  missingStep(state: SagaState): string | undefined {
    const saga = state.plan === undefined ? this.definitions.get(keyOf(state)) : undefined;
    if (saga === undefined || saga.hash === state.definition) return undefined;
    const lacks = (name: string): boolean => !saga.steps.some((step) => step.name === name);
    return state.steps.find(({ name, facts }) => facts.of === undefined && lacks(name))?.name;
  }

  /** Whether any version of a saga has such a step, or may have: whoever brings a plan may name anything. */
  hasStep(name: string, step: string): boolean {
    if (this.readPlan !== undefined) return true;
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
