import type { ControlCommand } from './command.ts';
import {
  MigrationRefusedError,
  PastPivotError,
  RenewalRefusedError,
  SagaEndedError,
  SignalRefusedError,
} from './control-errors.ts';
import type { SagaDefinition, StepDefinition } from './definition.ts';
import type { Draft } from './draft.ts';
import { sameJson } from './json-value.ts';
import { isHeld } from './state.ts';
import { isTerminal } from './status.ts';
import type { StepState } from './step-state.ts';

type CommandOf<Type extends ControlCommand['type']> = Extract<ControlCommand, { readonly type: Type }>;

/**
 * Refuses what is asked of a saga that has ended.
 *
 * @internal
 */
export function refuseEnded(draft: Draft): void {
  const { id, status } = draft.state;
  if (isTerminal(status)) throw new SagaEndedError(id, status);
}

/** Whether the pivot is behind the saga, or may be: also when a person let the saga go on without it. */
function mayBePast({ status, action, facts }: StepState): boolean {
  if (status === 'confirmed' || status === 'unknown' || status === 'needs-human' || status === 'skipped') return true;
  return status === 'running' && (action.open || action.polling || facts.mayBeApplied === true);
}

/** Turns the saga round. One that is being undone already, or waits for a person about that, stays as it is. */
export function noteCancel(draft: Draft, { reason, byParent }: CommandOf<'cancel'>): void {
  refuseEnded(draft);
  const { state, definition } = draft;
  if (state.reason !== undefined) return;
  if (isHeld(state) && byParent !== true) throw new SagaEndedError(state.id, 'done, and only its parent can undo it');
  const pivot = definition.steps.find((step) => step.pivot && mayBePast(draft.stepState(step.index)));
  if (pivot !== undefined) throw new PastPivotError(state.id, pivot.name);
  draft.write('saga-compensating', { reason: 'cancel', ...(reason === undefined ? {} : { cancelReason: reason }) });
  draft.effects.push({ type: 'abort' });
}

/** Stops the saga where it stands; what it has done stays, for a person to look after. */
export function noteTerminate(draft: Draft, { by, reason }: CommandOf<'terminate'>): void {
  refuseEnded(draft);
  draft.write('saga-terminated', {
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason }),
  });
  draft.effects.push({ type: 'abort' });
  draft.state.steps.forEach(({ action }, step) => {
    if (action.attempts > 0 && draft.stepDefinition(step).kind === 'child')
      draft.effects.push({ type: 'terminate-child', step });
  });
}

/** Keeps a signal for the step that waits for it, or will. The same signal again says nothing new. */
export function noteSignal(draft: Draft, { name, payload }: CommandOf<'signal'>): void {
  refuseEnded(draft);
  const { state, definition } = draft;
  const step = definition.steps.find((candidate) => candidate.kind === 'wait' && candidate.name === name);
  if (step === undefined) throw new SignalRefusedError(state.id, name, 'no step of this name waits for a signal');
  const { facts, status } = draft.stepState(step.index);
  if (facts.signal !== undefined) {
    if (sameJson(facts.signal[0], payload)) return;
    throw new SignalRefusedError(state.id, name, 'it has come already, with another payload');
  }
  if (state.reason !== undefined) throw new SignalRefusedError(state.id, name, 'the saga is being undone');
  if (status !== 'pending' && status !== 'running') {
    throw new SignalRefusedError(state.id, name, `its step is ${status}`);
  }
  draft.write('signal-received', { step: name, payload });
}

/** Lets the saga go forward for longer. A deadline is a promise to whoever waits: it is never shortened. */
export function noteRenewal(draft: Draft, { deadlineMs, atMost = Infinity }: CommandOf<'renew'>): void {
  refuseEnded(draft);
  const { state, context } = draft;
  const refuse = (why: string): never => {
    throw new RenewalRefusedError(state.id, why);
  };
  if (state.deadlineAt === undefined) return refuse('it has none');
  if (state.reason !== undefined) return refuse('the saga is being undone, which no deadline bounds');
  if (state.deadlineAt <= context.now) return refuse('it has passed');
  const deadlineAt = context.now + deadlineMs;
  if (deadlineAt <= state.deadlineAt)
    return refuse(`it would be ${state.deadlineAt - deadlineAt} ms earlier than it is; it can only be extended`);
  if (deadlineAt > atMost) return refuse(`it would be later than that of saga "${state.parent?.id}"; renew that first`);
  draft.write('deadline-renewed', { deadlineAt });
}

/** Lets the saga go on under another definition, where nothing that was done would be lost or come too late. */
export function noteMigrate(draft: Draft, to: SagaDefinition): void {
  refuseEnded(draft);
  const refuse = (why: string): never => {
    throw new MigrationRefusedError(draft.state.id, why);
  };
  if (to.name !== draft.state.name) refuse(`it is a saga "${draft.state.name}", not "${to.name}"`);
  draft.state.steps.forEach((step, index) => {
    if (step.status === 'pending' || step.facts.of !== undefined) return;
    const { action, compensation, probe, name } = step;
    if (action.open || compensation.open || probe.open) refuse(`a call of step "${name}" is in flight`);
    const next = to.steps.find((candidate) => candidate.name === name);
    if (next === undefined) return refuse(`step "${name}" has begun, and the new definition has none of that name`);
    const change = changeOf(draft.stepDefinition(index), next);
    if (change !== undefined) refuse(`step "${name}" has begun, and the new definition changes its ${change}`);
    const early = next.after.find((before) => isUndone(draft, to.steps[before]));
    if (early !== undefined) refuse(`step "${name}" has begun, and would now come after "${to.steps[early]?.name}"`);
  });
  draft.write('saga-migrated', { version: to.version, definition: to.hash, steps: to.steps.map((step) => step.name) });
  draft.definition = to;
}

function isUndone(draft: Draft, step: StepDefinition | undefined): boolean {
  const state = draft.state.steps.find(({ name }) => name === step?.name);
  return state === undefined || state.status === 'pending';
}

/** What a step that has begun must not change. */
function changeOf(from: StepDefinition, to: StepDefinition): string | undefined {
  if (from.kind !== to.kind) return 'kind';
  if (from.pivot !== to.pivot || from.afterPivot !== to.afterPivot) return 'side of the pivot';
  const loses =
    from.kind === 'call' && to.kind === 'call' && from.compensate !== undefined && to.compensate === undefined;
  return loses ? 'compensation, which it may need,' : undefined;
}
