import { decideRetry, type RetryDecision, type RetryRules } from '../retry/decide-retry.ts';
import type { SagaCommand } from './command.ts';
import type { Draft } from './draft.ts';
import { type Failure, failureOf } from './failure.ts';
import { giveUp } from './give-up.ts';
import type { CompensationReason, StepPhase } from './record.ts';
import { isTerminal } from './status.ts';
import type { CallState } from './call-state.ts';

type CommandOf<Type extends SagaCommand['type']> = Extract<SagaCommand, { readonly type: Type }>;

/** What a handler's end says, of either of a step's calls. */
export type OutcomeCommand = CommandOf<
  'action-applied' | 'action-failed' | 'compensation-applied' | 'compensation-failed'
>;

/** Writes down what became of an attempt; a late outcome, of an attempt that is not in flight, changes nothing. */
export function noteOutcome(draft: Draft, command: OutcomeCommand): void {
  const phase = command.type.startsWith('action') ? 'action' : 'compensation';
  if (!isOpen(draft, command, phase)) return;
  const { name: step } = draft.stepDefinition(command.step);
  const { attempt } = command;
  switch (command.type) {
    case 'action-applied':
      return draft.write('step-confirmed', { step, attempt, output: command.output, ...settling(command.settleAt) });
    case 'action-failed':
      return noteActionFailure(draft, command);
    case 'compensation-applied':
      return draft.write('step-compensated', { step, attempt });
    case 'compensation-failed':
      return noteCompensationFailure(draft, command);
  }
}

function isOpen(draft: Draft, outcome: OutcomeCommand, phase: StepPhase): boolean {
  const call = draft.stepState(outcome.step)[phase];
  return call.open && call.attempts === outcome.attempt && !isTerminal(draft.state.status);
}

function settling(settleAt: number | undefined): { readonly settleAt?: number } {
  return settleAt === undefined ? {} : { settleAt };
}

function judge(draft: Draft, rules: RetryRules, error: unknown, call: CallState, remainingMs: number): RetryDecision {
  const { now, random } = draft.context;
  const failed = { error, number: call.attempts, previousDelayMs: call.previousDelayMs, remainingMs, now };
  return decideRetry(failed, rules, random);
}

function noteActionFailure(draft: Draft, command: CommandOf<'action-failed'>): void {
  const step = draft.stepDefinition(command.step);
  const failure = failureOf(command.error, step.name);
  const outcome = { step: step.name, attempt: command.attempt, failure, ...settling(command.settleAt) };
  if (command.definite) {
    draft.write('step-failed', outcome);
    return giveUp(draft, step, 'failed', failure);
  }
  // A saga that is being undone makes no further attempt: all that matters is whether there is something to undo.
  const undoing = draft.state.reason !== undefined;
  const decision = undoing
    ? ({ retry: false, reason: 'not-retryable' } as const)
    : judge(draft, step.retry, command.error, draft.stepState(command.step).action, draft.remainingMs);
  if (decision.retry) {
    const { delayMs } = decision;
    const retryAt = draft.context.now + delayMs;
    draft.write('attempt-failed', { ...outcome, delayMs, retryAt });
    return;
  }
  const explained = 'fault' in decision ? { ...failure, message: explainFault(failure, decision.fault) } : failure;
  draft.write('step-unknown', { ...outcome, failure: explained });
  giveUp(draft, step, reasonOf(decision.reason), explained);
}

/** A retry policy that throws ends the retries; the operation's own failure stays, and tells of it. */
function explainFault(failure: Failure, fault: unknown): string {
  return `${failure.message} (not retried, since its retry policy threw: ${failureOf(fault).message})`;
}

function reasonOf(end: string): CompensationReason {
  return end === 'attempts-exhausted' || end === 'deadline' ? end : 'failed';
}

function noteCompensationFailure(draft: Draft, command: CommandOf<'compensation-failed'>): void {
  const step = draft.stepDefinition(command.step);
  const failure = failureOf(command.error, step.name);
  const call = draft.stepState(command.step).compensation;
  // The saga's deadline does not bind compensations: what was done is undone however late.
  const decision = command.definite ? undefined : judge(draft, step.compensationRetry, command.error, call, Infinity);
  if (decision?.retry !== true) return draft.write('escalated', { step: step.name, phase: 'compensation', failure });
  const { delayMs } = decision;
  const retryAt = draft.context.now + delayMs;
  draft.write('compensation-attempt-failed', { step: step.name, attempt: command.attempt, failure, delayMs, retryAt });
}
