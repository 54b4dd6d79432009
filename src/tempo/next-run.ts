/** What a saga is made anew with, when it has ended. */
import { RestartRefusedError } from '../saga/control-errors.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { RunLink } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import { toMs } from '../time/duration.ts';
import type { StartCommand } from './elsewhere.ts';
import type { Registry } from './registry.ts';
import { checkHeaders, checkInput } from './saga-input.ts';
import type { RestartAsNewOptions } from './tempo.ts';

/** The start of a saga that follows another. */
export interface NextStart {
  readonly id: string;
  readonly definition: SagaDefinition;
  readonly command: StartCommand;
}

/**
 * What starts the run after one that has ended: with what that had, but for what is said otherwise.
 *
 * @throws {RestartRefusedError} when there can be no such run.
 */
export async function nextStart<Input, Output>(
  state: SagaState,
  registry: Registry,
  { saga, input, headers, deadline }: RestartAsNewOptions<Input, Output>,
): Promise<NextStart> {
  const run = nextRun(state);
  const definition = saga ?? registry.definitionOf(state);
  if (definition?.name !== state.name) throw new RestartRefusedError(state.id, whyNot(state, definition));
  // What the definition at hand has checked once is not checked, and perhaps changed, a second time.
  const again = saga === undefined && input === undefined;
  const command: StartCommand = {
    type: 'start',
    input: again ? state.input : await checkInput(definition, input ?? state.input),
    headers: headers === undefined ? state.headers : checkHeaders(headers),
    deadlineMs: deadline === undefined ? allowedMs(state) : toMs(deadline, 'deadline'),
    run,
  };
  return { id: `${run.of}@${run.number}`, definition, command };
}

/**
 * The run after one that has ended. Its saga has an id of its own, because its effects are others: with the old id every
 * participant would take its calls for duplicates.
 *
 * @throws {RestartRefusedError} when it has not ended, or is not a request of its own.
 */
function nextRun({ id, status, parent, run }: SagaState): RunLink {
  if (!isTerminal(status))
    throw new RestartRefusedError(id, `it is ${status}; let it end, cancel or terminate it first`);
  if (parent !== undefined) throw new RestartRefusedError(id, `it is a step of saga "${parent.id}"; run that anew`);
  return { of: run?.of ?? id, number: (run?.number ?? 1) + 1 };
}

/** Why a definition cannot be the one that an ended saga is run anew with. */
function whyNot({ name, version }: SagaState, definition: SagaDefinition | undefined): string {
  return definition === undefined
    ? `its definition "${name}@${version}", as it was started, is not registered here; say which saga to use`
    : `it is a saga "${name}", not "${definition.name}"`;
}

/** How long a saga was allowed to go forward, from its acceptance on; `undefined`: for ever. */
function allowedMs({ deadlineAt, createdAt }: SagaState): number | undefined {
  return deadlineAt === undefined ? undefined : deadlineAt - createdAt;
}
