import type { StepDefinition } from './definition.ts';
import type { Draft } from './draft.ts';
import type { Failure } from './failure.ts';
import { giveUp } from './give-up.ts';
import type { CallState } from './call-state.ts';

const interrupted: Failure = {
  code: 'MAKEGOOD_INTERRUPTED',
  message: 'the process ended while the attempt was in flight',
};

/** After a crash an open attempt is made again under the next number, while there is one; then nobody knows its effect. */
export function recoverOpenAttempts(draft: Draft): void {
  for (const step of draft.definition.steps) {
    const { action, compensation } = draft.stepState(step.index);
    if (action.open) recoverAction(draft, step, action);
    if (compensation.open) recoverCompensation(draft, step, compensation);
  }
}

function recoverAction(draft: Draft, step: StepDefinition, action: CallState): void {
  const failure = { ...interrupted, step: step.name };
  // The handler died with its process, but what it had sent may still arrive.
  const settleAt = (action.attemptAt ?? draft.context.now) + step.timeoutMs + step.maxFlightMs;
  const outcome = { step: step.name, attempt: action.attempts, failure, settleAt };
  if (draft.state.reason === undefined && action.attempts < step.retry.maxAttempts && draft.remainingMs > 0) {
    draft.write('attempt-failed', { ...outcome, delayMs: action.previousDelayMs ?? 0, retryAt: draft.context.now });
    return;
  }
  draft.write('step-unknown', outcome);
  giveUp(draft, step, draft.remainingMs > 0 ? 'attempts-exhausted' : 'deadline', failure);
}

function recoverCompensation(draft: Draft, step: StepDefinition, call: CallState): void {
  const failure = { ...interrupted, step: step.name };
  const { maxAttempts, backoff } = step.compensationRetry;
  if (call.attempts >= maxAttempts)
    return draft.write('escalated', { step: step.name, phase: 'compensation', failure });
  const { random, now } = draft.context;
  const delayMs = backoff.delayMs(call.attempts, { previousDelayMs: call.previousDelayMs, random });
  const outcome = { step: step.name, attempt: call.attempts, failure, delayMs, retryAt: now + delayMs };
  draft.write('compensation-attempt-failed', outcome);
}
