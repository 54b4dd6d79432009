import { noteCancel, noteMigrate, noteRenewal, noteSignal, noteTerminate } from './control.ts';
import type { SagaCommand, SagaEffect } from './command.ts';
import type { SagaDefinition } from './definition.ts';
import { type DecisionContext, Draft } from './draft.ts';
import { goBack } from './go-back.ts';
import { goForward } from './go-forward.ts';
import { noteHumanDecision } from './human-decision.ts';
import { noteOutcome } from './note-outcome.ts';
import type { SagaRecord } from './record.ts';
import { recoverOpenAttempts } from './recover-attempts.ts';
import { isHeld, type SagaState } from './state.ts';
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
 * @param command what happened. An outcome that is out of date (another attempt, a finished saga) changes nothing.
 * @param context the time, chance and epoch to decide with.
 * @returns records to append, the state after them, and effects to carry out once they are durable.
 * @throws {MakegoodError} when the saga's state does not allow what a control command asks.
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

/** Starts whatever can start now. */
function advance(draft: Draft): void {
  if (draft.state.reason === undefined) goForward(draft);
  // Going forward may find that the deadline is over, and turn the saga round.
  if (draft.state.reason !== undefined) goBack(draft);
  if (draft.state.finished && draft.state.parent === undefined) releaseChildren(draft);
}

/** The children of a saga that has ended need not be ready to be undone any more. */
function releaseChildren(draft: Draft): void {
  draft.state.steps.forEach(({ action }, step) => {
    if (action.attempts > 0 && draft.stepDefinition(step).kind === 'child')
      draft.effects.push({ type: 'release-child', step });
  });
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
    case 'release':
      return noteRelease(draft);
    case 'cancel':
      return noteCancel(draft, command);
    case 'terminate':
      return noteTerminate(draft, command);
    case 'signal':
      return noteSignal(draft, command);
    case 'renew':
      return noteRenewal(draft, command);
    case 'human':
      return noteHumanDecision(draft, command);
    case 'migrate':
      return noteMigrate(draft, command.to);
    default:
      return noteOutcome(draft, command);
  }
}

function noteStart(draft: Draft, command: Extract<SagaCommand, { type: 'start' }>): void {
  const { definition, context } = draft;
  const { input, headers, deadlineMs, parent, run } = command;
  const limitMs = Math.min(deadlineMs ?? Infinity, definition.deadlineMs ?? Infinity);
  draft.write('saga-started', {
    name: definition.name,
    version: definition.version,
    definition: definition.hash,
    steps: definition.steps.map((step) => step.name),
    input,
    ...(headers === undefined ? {} : { headers }),
    ...(limitMs === Infinity ? {} : { deadlineAt: context.now + limitMs }),
    ...(parent === undefined ? {} : { parent }),
    ...(run === undefined ? {} : { run }),
    ...(definition.plan === undefined ? {} : { plan: definition.plan }),
  });
}

function noteSettled(draft: Draft, step: number): void {
  if (isTerminal(draft.state.status) || draft.stepState(step).settleAt === undefined) return;
  draft.write('step-settled', { step: draft.stepState(step).name });
}

function noteRelease(draft: Draft): void {
  const { state } = draft;
  if (!isHeld(state)) return;
  draft.write('saga-completed', { output: state.output ?? null });
  releaseChildren(draft);
}
