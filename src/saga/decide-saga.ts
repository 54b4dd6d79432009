import { advance } from './advance.ts';
import type { SagaCommand, SagaEffect } from './command.ts';
import type { SagaDefinition } from './definition.ts';
import { type DecisionContext, Draft } from './draft.ts';
import { noteOutcome } from './note-outcome.ts';
import type { SagaRecord } from './record.ts';
import { recoverOpenAttempts } from './recover-attempts.ts';
import type { SagaState } from './state.ts';
import { isTerminal } from './status.ts';

/** Records to make durable, then the state they lead to, then effects to carry out. */
export interface SagaDecision {
  readonly records: readonly SagaRecord[];
  readonly state: SagaState;
  readonly effects: readonly SagaEffect[];
}

/**
 * What happens next in a saga: pure, the only place that knows.
 *
 * @param definition the definition that the saga was started with.
 * @param state its state so far; `undefined` for the command `start`.
 * @param command what happened. One that is out of date (another attempt, a finished saga) changes nothing.
 * @param context the time, chance and epoch to decide with.
 * @returns records to append, the state after them, and effects to carry out once they are durable.
 * @internal
 */
export function decideSaga(
  definition: SagaDefinition,
  state: SagaState | undefined,
  command: SagaCommand,
  context: DecisionContext,
): SagaDecision {
  const draft = new Draft(definition, state, context);
  note(draft, command);
  if (!context.hold && !isTerminal(draft.state.status)) advance(draft);
  return { records: draft.records, state: draft.state, effects: draft.effects };
}

/** Writes down what the command says has happened. */
function note(draft: Draft, command: SagaCommand): void {
  switch (command.type) {
    case 'start':
      return noteStart(draft, command);
    case 'action-settled':
      return noteSettled(draft, command.step);
    case 'recover':
      return recoverOpenAttempts(draft);
    case 'proceed':
      return;
    default:
      return noteOutcome(draft, command);
  }
}

function noteStart(draft: Draft, { input, headers, deadlineMs }: Extract<SagaCommand, { type: 'start' }>): void {
  const { definition, context } = draft;
  const limitMs = Math.min(deadlineMs ?? Infinity, definition.deadlineMs ?? Infinity);
  draft.write('saga-started', {
    name: definition.name,
    version: definition.version,
    definition: definition.hash,
    steps: definition.steps.map((step) => step.name),
    input,
    ...(headers === undefined ? {} : { headers }),
    ...(limitMs === Infinity ? {} : { deadlineAt: context.now + limitMs }),
  });
}

function noteSettled(draft: Draft, step: number): void {
  if (isTerminal(draft.state.status) || draft.stepState(step).settleAt === undefined) return;
  draft.write('step-settled', { step: draft.stepDefinition(step).name });
}
