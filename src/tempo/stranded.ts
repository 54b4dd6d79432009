import type { Registry } from './registry.ts';
import { SagaStrandedError } from './saga-errors.ts';
import type { SagaRun } from './saga-run.ts';

const idsShown = 10;

/** What is wrong when definitions lack steps that unfinished sagas were started with, by the first such step. */
export function strandedAmong(runs: Iterable<SagaRun>, registry: Registry): SagaStrandedError | undefined {
  const byStep = new Map<string, { readonly definition: string; readonly step: string; readonly ids: string[] }>();
  for (const { id, state, trouble } of runs) {
    const step = state === undefined || trouble !== undefined ? undefined : registry.missingStep(state);
    if (state === undefined || step === undefined) continue;
    const definition = `${state.name}@${state.version}`;
    const found = byStep.get(`${definition}/${step}`) ?? { definition, step, ids: [] };
    found.ids.push(id);
    byStep.set(`${definition}/${step}`, found);
  }
  const [first] = byStep.values();
  if (first === undefined) return undefined;
  return new SagaStrandedError(first.definition, first.step, first.ids.slice(0, idsShown), first.ids.length);
}
