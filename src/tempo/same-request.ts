import type { SagaDefinition } from '../saga/definition.ts';
import { type JsonValue, sameJson } from '../saga/json-value.ts';
import type { SagaState } from '../saga/state.ts';
import { SagaConflictError } from './saga-errors.ts';

/**
 * Refuses a start under the id of a saga that was started with another request.
 *
 * @throws {SagaConflictError} naming what differs.
 * @internal
 */
export function refuseOtherRequest(state: SagaState, saga: SagaDefinition, input: JsonValue): void {
  if (state.name !== saga.name) throw new SagaConflictError(state.id, `name, "${state.name}"`);
  if (state.version !== saga.version) throw new SagaConflictError(state.id, `version, "${state.version}"`);
  if (!sameJson(state.plan ?? null, saga.plan ?? null)) throw new SagaConflictError(state.id, 'steps');
  if (state.plan === undefined && state.definition !== saga.hash)
    throw new SagaConflictError(state.id, 'structure under the same version');
  if (!sameJson(state.input, input)) throw new SagaConflictError(state.id, 'input');
}
