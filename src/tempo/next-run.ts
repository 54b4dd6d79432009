/** What a saga is made anew with, when it has ended. */
import { RestartRefusedError } from '../saga/control-errors.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { RunLink } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';

/**
 * The run after one that has ended. Its saga has an id of its own, because its effects are others: with the old id every
 * participant would take its calls for duplicates.
 *
 * @throws {RestartRefusedError} when it has not ended, or is not a request of its own.
 */
export function nextRun({ id, status, parent, run }: SagaState): RunLink {
  if (!isTerminal(status))
    throw new RestartRefusedError(id, `it is ${status}; let it end, cancel or terminate it first`);
  if (parent !== undefined) throw new RestartRefusedError(id, `it is a step of saga "${parent.id}"; run that anew`);
  return { of: run?.of ?? id, number: (run?.number ?? 1) + 1 };
}

/** Why a definition cannot be the one that an ended saga is run anew with. */
export function whyNot({ name, version }: SagaState, definition: SagaDefinition | undefined): string {
  return definition === undefined
    ? `its definition "${name}@${version}", as it was started, is not registered here; say which saga to use`
    : `it is a saga "${name}", not "${definition.name}"`;
}

/** How long a saga was allowed to go forward, from its acceptance on; `undefined`: for ever. */
export function allowedMs({ deadlineAt, createdAt }: SagaState): number | undefined {
  return deadlineAt === undefined ? undefined : deadlineAt - createdAt;
}
