import type { SagaView } from '../saga/view.ts';
import { ProblemError } from '../wire/problem.ts';
import type { ServerParts } from './route.ts';

/** The saga of an id. */
export async function sagaOf({ tempo }: ServerParts, id: string): Promise<SagaView> {
  const view = await tempo.get(id);
  if (view === undefined) throw new ProblemError('saga-not-found', `there is no saga "${id}"`);
  return view;
}
