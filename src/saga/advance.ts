import { nextToUndo } from './compensation-order.ts';
import type { StepDefinition } from './definition.ts';
import type { Draft } from './draft.ts';
import { type Failure, failureOf } from './failure.ts';
import { giveUp } from './give-up.ts';
import { toJsonValue } from './json-value.ts';
import { resultsOf } from './results.ts';

/** Starts whatever can start now. */
export function advance(draft: Draft): void {
  if (draft.state.reason === undefined) goForward(draft);
  // Going forward may find that the deadline is over, and turn the saga round.
  if (draft.state.status === 'compensating') goBack(draft);
}

function goForward(draft: Draft): void {
  let confirmed = 0;
  for (const step of draft.definition.steps) {
    const { status, action } = draft.stepState(step.index);
    if (status === 'confirmed') confirmed++;
    else if (status === 'pending' ? isReady(draft, step) : status === 'running' && !action.open)
      attemptAction(draft, step);
    if (draft.state.reason !== undefined) return;
  }
  if (confirmed === draft.definition.steps.length && draft.state.status === 'running') complete(draft);
}

function isReady(draft: Draft, step: StepDefinition): boolean {
  return step.after.every((index) => draft.stepState(index).status === 'confirmed');
}

function attemptAction(draft: Draft, step: StepDefinition): void {
  const { action } = draft.stepState(step.index);
  if (draft.remainingMs <= 0) return missDeadline(draft, step);
  if (action.retryAt !== undefined && action.retryAt > draft.context.now) {
    draft.effects.push({ type: 'wake', at: action.retryAt });
    return;
  }
  const attempt = action.attempts + 1;
  draft.write('step-started', { step: step.name, attempt });
  draft.effects.push({
    type: 'run',
    step: step.index,
    attempt,
    timeoutMs: Math.min(step.timeoutMs, draft.remainingMs),
  });
}

function missDeadline(draft: Draft, step: StepDefinition): void {
  const { status, action } = draft.stepState(step.index);
  const overMs = Math.round(-draft.remainingMs);
  const message = `the saga's deadline had passed ${overMs} ms before attempt ${action.attempts + 1}`;
  const failure: Failure = { code: 'MAKEGOOD_DEADLINE_EXCEEDED', message, step: step.name };
  if (status === 'running') draft.write('step-unknown', { step: step.name, attempt: action.attempts, failure });
  giveUp(draft, step, 'deadline', failure);
}

function complete(draft: Draft): void {
  const { definition, state } = draft;
  const results = resultsOf(state);
  try {
    const made = definition.makeOutput({ input: state.input, results });
    draft.write('saga-completed', { output: toJsonValue(made, `output of saga "${definition.name}"`) });
  } catch (error) {
    const failure = failureOf(error);
    if (definition.steps.some((step) => step.pivot)) draft.write('escalated', { phase: 'action', failure });
    else draft.write('saga-compensating', { reason: 'failed', failure });
  }
}

function goBack(draft: Draft): void {
  // Calls in flight first get their outcome: what is not known to be done cannot be undone in order.
  if (draft.state.steps.some((step) => step.action.open)) return;
  abandonRetries(draft);
  const next = nextToUndo(draft.definition, draft.state);
  if (next === undefined) return draft.write('saga-compensated', {});
  const { settleAt, compensation } = draft.stepState(next.index);
  if (compensation.open) return;
  const notBefore = Math.max(settleAt ?? 0, compensation.retryAt ?? 0);
  if (notBefore > draft.context.now) {
    draft.effects.push({ type: 'wake', at: notBefore });
    return;
  }
  const attempt = compensation.attempts + 1;
  draft.write('compensation-started', { step: next.name, attempt });
  draft.effects.push({ type: 'compensate', step: next.index, attempt, timeoutMs: next.compensationTimeoutMs });
}

/** Steps that waited for another attempt will not get it; what their earlier attempts did is unknown. */
function abandonRetries(draft: Draft): void {
  for (const step of draft.definition.steps) {
    const { status, action } = draft.stepState(step.index);
    if (status !== 'running' || action.failure === undefined) continue;
    draft.write('step-unknown', { step: step.name, attempt: action.attempts, failure: action.failure });
  }
}
