import type { Failure } from '../saga/failure.ts';
import type { SagaState } from '../saga/state.ts';
import type { SagaUnreadableError } from './saga-errors.ts';

/** Something that automation has given up and a person must decide. */
export interface AttentionItem {
  readonly sagaId: string;
  readonly sagaName: string;
  /** The step; `null` when the saga as a whole is meant: its output could not be made, or it was terminated. */
  readonly step: string | null;
  /**
   * What was given up: an `action`, a `compensation`, the question of a `probe`, the `output`; or it was `terminated`; or a
   * record of it is `unreadable`, and no decision can be written down.
   */
  readonly reason: 'action' | 'compensation' | 'probe' | 'output' | 'terminated' | 'unreadable';
  /** Since when, ms since 1970. */
  readonly since: number;
  /** How often a person has decided about this step before. */
  readonly generation: number;
  /** The saga's last record when this was seen. */
  readonly seq: number;
  readonly lastFailure?: Failure;
}

/**
 * Whether anything of a saga waits for a person.
 *
 * @internal
 */
export function waitsForPerson(state: SagaState | undefined): boolean {
  return state?.status === 'needs-human' || (state?.status === 'terminated' && !state.finished);
}

/**
 * That a record of a saga cannot be read: nobody can decide about it here, and somebody must know.
 *
 * @internal
 */
export function unreadableItem(
  { id: sagaId, name: sagaName, seq, updatedAt: since }: SagaState,
  { code, reason: message }: SagaUnreadableError,
): AttentionItem {
  const lastFailure = { code, message };
  return { sagaId, sagaName, step: null, reason: 'unreadable', since, generation: 0, seq, lastFailure };
}

/**
 * What of a saga waits for a person: a projection of its state, so that it is the same after every restart.
 *
 * @internal
 */
export function attentionItems(state: SagaState): readonly AttentionItem[] {
  const { id: sagaId, name: sagaName, status, failure, finished, stuckSince, seq } = state;
  if (finished) return [];
  const whole = {
    sagaId,
    sagaName,
    step: null,
    generation: 0,
    seq,
    ...(failure === undefined ? {} : { lastFailure: failure }),
  };
  if (status === 'terminated') return [{ ...whole, reason: 'terminated', since: state.updatedAt }];
  const items = state.steps.flatMap(({ name: step, facts }): AttentionItem[] => {
    if (facts.stuck === undefined) return [];
    const { phase: reason, since, failure: lastFailure } = facts.stuck;
    return [{ sagaId, sagaName, step, reason, since, generation: facts.generation ?? 0, seq, lastFailure }];
  });
  return stuckSince === undefined ? items : [...items, { ...whole, reason: 'output', since: stuckSince }];
}
