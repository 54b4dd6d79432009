import type { HumanCommand } from './command.ts';
import { refuseEnded } from './control.ts';
import { NotWaitingError } from './control-errors.ts';
import type { Draft } from './draft.ts';
import type { StepState } from './step-state.ts';

/**
 * Writes down what a person has decided about a step that automation gave up, or about the saga as a whole.
 *
 *   retry, retry-with   another budget of attempts, with other arguments
 *   resolve             done by hand: the step counts as done, or as undone
 *   skip                while undoing: the effect stays
 *   forward             go on without the step; while undoing only if nothing was undone yet
 */
export function noteHumanDecision(draft: Draft, command: HumanCommand): void {
  refuseUnseen(draft, command);
  if (draft.state.status === 'terminated') return close(draft, command);
  refuseEnded(draft);
  // Cancelled since it was looked at: calls in flight end first, and then what waited is left.
  if (draft.state.status !== 'needs-human')
    throw new NotWaitingError(draft.state.id, `it does not wait for a person, it is ${draft.state.status}`);
  const { verb, by } = command;
  const given = {
    ...(command.note === undefined ? {} : { note: command.note }),
    ...(command.args === undefined ? {} : { args: command.args }),
    ...(command.output === undefined ? {} : { output: command.output }),
  };
  if (command.step === undefined) return decideWhole(draft, command, given);
  const stuck = stuckStep(draft, command.step);
  checkVerb(draft, stuck, verb);
  draft.write('human-decided', { step: stuck.name, verb, by, leadsTo: statusAfterwards(draft, stuck, verb), ...given });
}

/** Refuses what was decided about a saga that has moved on since it was looked at. */
function refuseUnseen({ state }: Draft, { expectedSeq = state.seq }: HumanCommand): void {
  if (expectedSeq === state.seq) return;
  throw new NotWaitingError(
    state.id,
    `it was decided on record ${expectedSeq}, and the saga is at ${state.seq}; look again`,
  );
}

/** Closes the item of a terminated saga. */
function close(draft: Draft, { verb, step, by, note }: HumanCommand): void {
  const { id, finished } = draft.state;
  if (finished) return refuseEnded(draft);
  if (verb !== 'resolve' || step !== undefined) throw new NotWaitingError(id, 'a terminated saga can only be resolved');
  draft.write('saga-closed', { by, ...(note === undefined ? {} : { note }) });
}

/** The saga's output could not be made: that is tried again, or a person says what it is. */
function decideWhole(draft: Draft, { verb, by, output }: HumanCommand, given: object): void {
  const { id, stuckSince } = draft.state;
  if (stuckSince === undefined) throw new NotWaitingError(id, 'a step must be named');
  if (verb !== 'retry' && verb !== 'resolve')
    throw new NotWaitingError(id, 'its output can only be retried or resolved');
  draft.write('human-decided', { verb, by, leadsTo: 'running', ...given });
  if (verb === 'resolve')
    draft.write(draft.state.parent === undefined ? 'saga-completed' : 'saga-held', { output: output ?? null });
}

function stuckStep(draft: Draft, name: string): StepState {
  const step = draft.state.steps.find((candidate) => candidate.name === name);
  if (step === undefined) throw new NotWaitingError(draft.state.id, `it has no step "${name}"`);
  if (step.status === 'needs-human') return step;
  throw new NotWaitingError(draft.state.id, `step "${name}" does not wait for a person, it is ${step.status}`);
}

function checkVerb(draft: Draft, { name, facts }: StepState, verb: HumanCommand['verb']): void {
  const { id, steps } = draft.state;
  const forward = facts.stuck?.phase === 'action';
  if (forward && verb.startsWith('retry') && isChild(draft, name)) {
    throw new NotWaitingError(
      id,
      `the child of step "${name}" has ended and cannot be run again; resolve or forward it`,
    );
  }
  if (verb === 'skip' && forward) {
    throw new NotWaitingError(id, `step "${name}" is not being undone; retry, resolve or forward it`);
  }
  if (verb !== 'forward' || forward) return;
  const begun = steps.find(({ compensation }) => compensation.attempts > 0);
  if (begun !== undefined) throw new NotWaitingError(id, `the undoing of step "${begun.name}" has begun`);
  const failed = steps.find((step) => step.name !== name && (step.status === 'failed' || step.status === 'unknown'));
  if (failed !== undefined) throw new NotWaitingError(id, `step "${failed.name}" has failed, too`);
  const left = steps.find((_, index) => wasLeft(draft, index));
  if (left !== undefined) throw new NotWaitingError(id, `step "${left.name}" was left when the saga turned round`);
}

/** Whether a wait, a pause or a list was ended by the saga's undoing: its result is missing, and it cannot be taken up again. */
function wasLeft(draft: Draft, index: number): boolean {
  const { status, facts } = draft.stepState(index);
  if (status !== 'skipped' || facts.generation !== undefined) return false;
  const { kind } = draft.stepDefinition(index);
  return kind === 'sleep' || kind === 'wait' || (kind === 'each' && facts.items !== undefined);
}

function isChild(draft: Draft, name: string): boolean {
  const index = draft.state.steps.findIndex((step) => step.name === name);
  return draft.stepDefinition(index).kind === 'child';
}

function statusAfterwards(draft: Draft, stuck: StepState, verb: HumanCommand['verb']) {
  const others = draft.state.steps.some((step) => step !== stuck && step.status === 'needs-human');
  if (others) return 'needs-human';
  return verb === 'forward' || stuck.facts.stuck?.phase === 'action' ? 'running' : 'compensating';
}
