import type { CallState } from './call-state.ts';
import type { CallStep } from './definition.ts';
import type { Draft } from './draft.ts';
import type { Failure } from './failure.ts';
import { giveUp } from './give-up.ts';
import type { CallKind } from './record.ts';
import { isTerminal } from './status.ts';

const interrupted: Failure = {
  code: 'MAKEGOOD_INTERRUPTED',
  message: 'the process ended while the attempt was in flight',
};

/** After a crash an open attempt is made again under the next number, while there is one; then nobody knows its effect. */
export function recoverOpenAttempts(draft: Draft): void {
  if (isTerminal(draft.state.status)) return;
  for (let index = 0; index < draft.state.steps.length; index++) {
    const step = draft.stepDefinition(index);
    const { action, compensation, probe } = draft.stepState(index);
    if (step.kind === 'child') {
      // A child lives on its own: it is asked again for what it was asked before.
      if (action.open) draft.effects.push({ type: 'start-child', step: index });
      if (compensation.open) draft.effects.push({ type: 'abort-child', step: index });
    } else if (step.kind === 'call') {
      if (action.open && !askAgain(draft, index, 'action')) recoverAction(draft, index, step, action);
      if (compensation.open && !askAgain(draft, index, 'compensation'))
        recoverUndoing(draft, index, step, compensation, 'compensation');
      if (probe.open && !askAgain(draft, index, 'probe')) recoverUndoing(draft, index, step, probe, 'probe');
    }
  }
}

/** Asking again whether a callee is still at it is no attempt: what was lost is the question. */
function askAgain(draft: Draft, index: number, phase: CallKind): boolean {
  const { name: step, [phase]: call } = draft.stepState(index);
  if (call.polling)
    draft.write('attempt-in-progress', { step, phase, attempt: call.attempts, retryAt: draft.context.now });
  return call.polling;
}

function recoverAction(draft: Draft, index: number, step: CallStep, action: CallState): void {
  const { name } = draft.stepState(index);
  const failure = { ...interrupted, step: name };
  // The handler died with its process, but what it had sent may still arrive.
  const settleAt = (action.attemptAt ?? draft.context.now) + step.timeoutMs + step.maxFlightMs;
  const outcome = { step: name, attempt: action.attempts, failure, settleAt };
  const counted = action.attempts - action.uncounted;
  const goesOn = draft.state.reason === undefined && counted < draft.rules(step, 'action').maxAttempts;
  if (goesOn && draft.remainingMs > 0) {
    const retryAt = draft.context.now;
    const delayMs = action.previousDelayMs ?? 0;
    // What another process does cannot have killed this one, so a remote step is not blamed.
    if (step.targets !== undefined) return draft.write('attempt-failed', { ...outcome, delayMs, retryAt });
    draft.write('attempt-failed', { ...outcome, crashed: true, delayMs, retryAt });
    if (action.crashes + 1 < (draft.context.crashLimit ?? Infinity)) return;
    return blameHandler(draft, name, action.crashes + 1);
  }
  draft.write('step-unknown', outcome);
  giveUp(draft, index, draft.remainingMs > 0 ? 'attempts-exhausted' : 'deadline', failure);
}

/** A handler in whose hands the process died again and again may be what kills it: a person decides. */
function blameHandler(draft: Draft, step: string, crashes: number): void {
  const message = `the process died ${crashes} times while the action was in its hands`;
  draft.write('escalated', { step, phase: 'action', failure: { code: 'MAKEGOOD_CRASH_LIMIT', message, step } });
}

function recoverUndoing(
  draft: Draft,
  index: number,
  step: CallStep,
  call: CallState,
  phase: 'compensation' | 'probe',
): void {
  const { name } = draft.stepState(index);
  const failure = { ...interrupted, step: name };
  const { maxAttempts, backoff } = draft.rules(step, 'compensation');
  const counted = call.attempts - call.uncounted;
  if (counted >= maxAttempts) return draft.write('escalated', { step: name, phase, failure });
  const { random, now } = draft.context;
  const delayMs = backoff.delayMs(counted, { previousDelayMs: call.previousDelayMs, random });
  const outcome = { step: name, attempt: call.attempts, failure, delayMs, retryAt: now + delayMs };
  draft.write(phase === 'probe' ? 'probe-failed' : 'compensation-attempt-failed', outcome);
}
