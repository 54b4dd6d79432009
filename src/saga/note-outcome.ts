import { decideRetry, type RetryDecision, type RetryRules } from '../retry/decide-retry.ts';
import { type CallState, latestOf } from './call-state.ts';
import type { OutcomeCommand } from './command.ts';
import type { Draft } from './draft.ts';
import { type Failure, failureOf } from './failure.ts';
import { giveUp } from './give-up.ts';
import type { CallKind, CompensationReason, StepPhase } from './record.ts';
import { stillAtItUntil } from './settle-time.ts';
import { isTerminal } from './status.ts';

type CommandOf<Type extends OutcomeCommand['type']> = Extract<OutcomeCommand, { readonly type: Type }>;

function kindOf(command: OutcomeCommand): CallKind {
  if (command.type === 'call-in-progress' || command.type === 'call-postponed') return command.phase;
  if (command.type.startsWith('probe')) return 'probe';
  return command.type.startsWith('action') ? 'action' : 'compensation';
}

/**
 * Whether an outcome is of the attempt that is in flight; one that is late, of another attempt or of a saga that has
 * ended says nothing any more.
 */
function isCurrent(draft: Draft, command: OutcomeCommand): boolean {
  const call = draft.stepState(command.step)[kindOf(command)];
  return call.open && call.attempts === command.attempt && !isTerminal(draft.state.status);
}

/** Writes down what became of an attempt. */
export function noteOutcome(draft: Draft, command: OutcomeCommand): void {
  if (!isCurrent(draft, command)) return;
  const { name: step } = draft.stepState(command.step);
  const { attempt } = command;
  switch (command.type) {
    case 'action-applied':
      if (command.settleAt === undefined)
        return draft.write('step-confirmed', { step, attempt, output: command.output });
      return draft.write('step-confirmed', { step, attempt, output: command.output, settleAt: command.settleAt });
    case 'action-failed':
      return noteActionFailure(draft, command);
    case 'compensation-applied':
      return draft.write('step-compensated', { step, attempt });
    case 'compensation-failed':
      return noteCompensationFailure(draft, command);
    case 'call-in-progress': {
      const retryAt = draft.context.now + command.delayMs;
      return draft.write('attempt-in-progress', { step, phase: command.phase, attempt, retryAt });
    }
    case 'call-postponed': {
      const retryAt = draft.context.now + command.delayMs;
      const failure = failureOf(command.error, step);
      return draft.write('attempt-postponed', { step, phase: command.phase, attempt, failure, retryAt });
    }
    case 'probe-answered': {
      const output = command.output === undefined ? {} : { output: command.output };
      return draft.write('probe-answered', { step, attempt, effect: command.effect, ...output });
    }
    case 'probe-failed':
      return noteProbeFailure(draft, command);
  }
}

function settling(settleAt: number | undefined): { readonly settleAt?: number } {
  return settleAt === undefined ? {} : { settleAt };
}

function judge(draft: Draft, rules: RetryRules, error: unknown, call: CallState, remainingMs: number): RetryDecision {
  const { now, random } = draft.context;
  const number = call.attempts - call.uncounted;
  return decideRetry({ error, number, previousDelayMs: call.previousDelayMs, remainingMs, now }, rules, random);
}

function noteActionFailure(draft: Draft, command: CommandOf<'action-failed'>): void {
  const { name: step, action, facts, settleAt } = draft.stepState(command.step);
  const failure = failureOf(command.error, step);
  const atIt = command.answered === true ? undefined : stillAtItUntil(draft, command.step);
  const outcome = { step, attempt: command.attempt, failure, ...settling(latestOf(command.settleAt, atIt)) };
  if (command.answered === true && settleAt !== undefined) draft.write('step-settled', { step });
  if (command.definite) {
    draft.write('step-failed', outcome);
    return giveUp(draft, command.step, 'failed', failure);
  }
  const effect = command.effect === undefined ? {} : { effect: command.effect };
  const decision = decideAction(draft, command, action);
  if (decision.retry) {
    const { delayMs } = decision;
    return draft.write('attempt-failed', { ...outcome, ...effect, delayMs, retryAt: draft.context.now + delayMs });
  }
  const explained = 'fault' in decision ? { ...failure, message: explainFault(failure, decision.fault) } : failure;
  // Attempts of which each said that it did nothing leave nothing to undo.
  const unknown = command.effect !== 'none' || facts.mayBeApplied === true;
  draft.write(unknown ? 'step-unknown' : 'step-failed', { ...outcome, failure: explained });
  giveUp(draft, command.step, reasonOf(decision.reason), explained);
}

function decideAction(draft: Draft, { step, error }: CommandOf<'action-failed'>, action: CallState): RetryDecision {
  // A saga that is being undone makes no further attempt: all that matters is whether there is something to undo.
  if (draft.state.reason !== undefined) return { retry: false, reason: 'not-retryable' };
  const definition = draft.stepDefinition(step);
  if (definition.kind !== 'call') return { retry: false, reason: 'not-retryable' };
  return judge(draft, draft.rules(definition, 'action'), error, action, draft.remainingMs);
}

/** A retry policy that throws ends the retries; the operation's own failure stays, and tells of it. */
function explainFault(failure: Failure, fault: unknown): string {
  return `${failure.message} (not retried, since its retry policy threw: ${failureOf(fault).message})`;
}

function reasonOf(end: string): CompensationReason {
  return end === 'attempts-exhausted' || end === 'deadline' ? end : 'failed';
}

function noteCompensationFailure(draft: Draft, command: CommandOf<'compensation-failed'>): void {
  const { name: step, compensation } = draft.stepState(command.step);
  const failure = failureOf(command.error, step);
  const decision = command.definite ? undefined : decideUndoing(draft, command, compensation);
  if (decision?.retry !== true) return draft.write('escalated', { step, phase: 'compensation', failure });
  const { delayMs } = decision;
  const retryAt = draft.context.now + delayMs;
  draft.write('compensation-attempt-failed', { step, attempt: command.attempt, failure, delayMs, retryAt });
}

function noteProbeFailure(draft: Draft, command: CommandOf<'probe-failed'>): void {
  const { name: step, probe } = draft.stepState(command.step);
  const failure = failureOf(command.error, step);
  const decision = decideUndoing(draft, command, probe);
  if (!decision.retry) return draft.write('escalated', { step, phase: 'probe', failure });
  const { delayMs } = decision;
  draft.write('probe-failed', {
    step,
    attempt: command.attempt,
    failure,
    delayMs,
    retryAt: draft.context.now + delayMs,
  });
}

function decideUndoing(
  draft: Draft,
  { step, error }: { readonly step: number; readonly error: unknown },
  call: CallState,
): RetryDecision {
  const phase: StepPhase = 'compensation';
  // The saga's deadline does not bind compensations: what was done is undone however late.
  const definition = draft.stepDefinition(step);
  if (definition.kind !== 'call') return { retry: false, reason: 'not-retryable' };
  return judge(draft, draft.rules(definition, phase), error, call, Infinity);
}
