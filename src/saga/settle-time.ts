import type { Draft } from './draft.ts';

/**
 * Until when (ms since 1970) a callee that said it was still at it may end its work, once nobody asks it any more;
 * `undefined` when it did not say so.
 */
export function stillAtItUntil(draft: Draft, index: number): number | undefined {
  const { action } = draft.stepState(index);
  return action.polling ? draft.context.now + draft.callStep(index).maxFlightMs : undefined;
}
