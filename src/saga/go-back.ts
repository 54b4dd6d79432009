import { nextToUndo } from './compensation-order.ts';
import type { CallStep } from './definition.ts';
import type { Draft } from './draft.ts';
import type { Failure } from './failure.ts';
import { stillAtItUntil } from './settle-time.ts';

/** Undoes whatever can be undone now, and ends the saga when nothing is left. */
export function goBack(draft: Draft): void {
  // Calls in flight first get their outcome: what is not known to be done cannot be undone in order.
  if (waitsForCalls(draft)) return;
  leaveUnfinished(draft);
  if (draft.state.status === 'needs-human' && draft.definition.onStuck === 'hold') return;
  const next = nextToUndo(draft.definition, draft.state);
  for (const index of next) undo(draft, index);
  if (next.length === 0 && draft.state.status === 'compensating') draft.write('saga-compensated', {});
}

/** Whether a call is in flight; one of a child saga is ended by undoing that saga. */
function waitsForCalls(draft: Draft): boolean {
  let waits = false;
  draft.state.steps.forEach(({ action }, index) => {
    if (!action.open) return;
    waits = true;
    if (draft.stepDefinition(index).kind === 'child') draft.effects.push({ type: 'abort-child', step: index });
  });
  return waits;
}

/** Steps that waited, for a person too, will not go on: what earlier attempts of theirs did is unknown, unless each said it did nothing. */
function leaveUnfinished(draft: Draft): void {
  draft.state.steps.forEach(({ name: step, status, action, facts }, index) => {
    const given = status === 'needs-human' && facts.stuck?.phase === 'action';
    if (status !== 'running' && !given) return;
    if (draft.stepDefinition(index).kind !== 'call') return draft.write('step-skipped', { step });
    const failure: Failure = action.failure ?? { code: 'MAKEGOOD_ABANDONED', message: 'the saga was undone', step };
    const outcome = { step, attempt: action.attempts, failure };
    if (facts.mayBeApplied !== true && !action.polling && !given) return draft.write('step-failed', outcome);
    // A callee that said it was still at it may end its work at any moment.
    const settleAt = stillAtItUntil(draft, index);
    draft.write('step-unknown', { ...outcome, ...(settleAt === undefined ? {} : { settleAt }) });
  });
}

function undo(draft: Draft, index: number): void {
  const step = draft.stepDefinition(index);
  const { name, status, settleAt, compensation, probe } = draft.stepState(index);
  if (compensation.open || probe.open) return;
  const notBefore = Math.max(settleAt ?? 0, compensation.retryAt ?? 0, probe.retryAt ?? 0);
  if (notBefore > draft.context.now) return draft.wake(notBefore);
  if (step.kind === 'child') return undoChild(draft, index);
  if (step.kind !== 'call') return;
  if (status === 'unknown' && step.statusProbe !== undefined) return askProbe(draft, index, step);
  if (status === 'unknown' && !step.nullSafe) {
    const message =
      'nobody knows whether the action was applied, and its compensation must not be called unless it was';
    const failure = { code: 'MAKEGOOD_NOT_NULL_SAFE', message, step: name };
    return draft.write('escalated', { step: name, phase: 'compensation', failure });
  }
  compensate(draft, index, step);
}

function compensate(draft: Draft, index: number, step: CallStep): void {
  const { name, compensation } = draft.stepState(index);
  const attempt = compensation.polling ? compensation.attempts : compensation.attempts + 1;
  if (compensation.polling) draft.write('step-polled', { step: name, phase: 'compensation', attempt });
  else draft.write('compensation-started', { step: name, attempt });
  draft.effects.push({ type: 'compensate', step: index, attempt, timeoutMs: step.compensationTimeoutMs });
}

function askProbe(draft: Draft, index: number, step: CallStep): void {
  const { name, probe } = draft.stepState(index);
  const attempt = probe.polling ? probe.attempts : probe.attempts + 1;
  if (probe.polling) draft.write('step-polled', { step: name, phase: 'probe', attempt });
  else draft.write('probe-started', { step: name, attempt });
  draft.effects.push({ type: 'probe', step: index, attempt, timeoutMs: step.compensationTimeoutMs });
}

function undoChild(draft: Draft, index: number): void {
  const { name, compensation } = draft.stepState(index);
  draft.write('compensation-started', { step: name, attempt: compensation.attempts + 1 });
  draft.effects.push({ type: 'abort-child', step: index });
}
