import type { Random } from '../ports/random.ts';
import { decideRetry, type RetryDecision, type RetryRules } from '../retry/decide-retry.ts';
import type { SagaDefinition, StepDefinition } from './definition.ts';
import { type Failure, failureOf } from './failure.ts';
import type { JsonValue } from './json-value.ts';
import { nextToUndo } from './compensation-order.ts';
import type { CompensationReason, SagaRecord, SagaRecordData, SagaRecordType, StepPhase } from './record.ts';
import { applyRecord, type CallState, isTerminal, type SagaState, type StepState } from './state.ts';
import { toJsonValue } from './json-value.ts';

/** What happened to a saga, from outside. */
export type SagaCommand =
  | {
      readonly type: 'start';
      readonly input: JsonValue;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      readonly deadlineMs?: number | undefined;
    }
  /** The action of a step was applied. */
  | {
      readonly type: 'action-applied';
      readonly step: number;
      readonly attempt: number;
      readonly output: JsonValue;
      readonly settleAt?: number | undefined;
    }
  /**
   * An attempt of the action failed: for certain, or with an unknown effect. `settleAt` is given while a handler of the
   * step has not returned: until then its call may still be on its way.
   */
  | {
      readonly type: 'action-failed';
      readonly step: number;
      readonly attempt: number;
      readonly error: unknown;
      readonly definite: boolean;
      readonly settleAt?: number | undefined;
    }
  /** A handler that had outlived its time-out has returned. */
  | { readonly type: 'action-settled'; readonly step: number }
  | { readonly type: 'compensation-applied'; readonly step: number; readonly attempt: number }
  | {
      readonly type: 'compensation-failed';
      readonly step: number;
      readonly attempt: number;
      readonly error: unknown;
      readonly definite: boolean;
    }
  /** Go on from where the records end: a timer is due, or there is room to work again. */
  | { readonly type: 'proceed' }
  /** As `proceed`, after a crash: attempts that are open on record have lost their caller. */
  | { readonly type: 'recover' };

/** What the shell is to do once the records are durable. */
export type SagaEffect =
  | { readonly type: 'run'; readonly step: number; readonly attempt: number; readonly timeoutMs: number }
  | { readonly type: 'compensate'; readonly step: number; readonly attempt: number; readonly timeoutMs: number }
  /** Send `proceed` at this time (ms since 1970). */
  | { readonly type: 'wake'; readonly at: number };

/** Facts from outside that a decision may use. */
export interface DecisionContext {
  readonly id: string;
  /** Wall clock, ms since 1970. */
  readonly now: number;
  readonly random: Random;
  readonly epoch: number;
  /** Only note what happened; start nothing new (no room, or closing). */
  readonly hold: boolean;
}

/** Records to make durable, then the state they lead to, then effects to carry out. */
export interface SagaDecision {
  readonly records: readonly SagaRecord[];
  readonly state: SagaState;
  readonly effects: readonly SagaEffect[];
}

/** A decision in the making: records are folded in as they are written, so each rule sees the state before it. */
class Draft {
  readonly definition: SagaDefinition;
  readonly context: DecisionContext;
  readonly records: SagaRecord[] = [];
  readonly effects: SagaEffect[] = [];
  private folded: SagaState | undefined;

  constructor(definition: SagaDefinition, state: SagaState | undefined, context: DecisionContext) {
    this.definition = definition;
    this.folded = state;
    this.context = context;
  }

  get state(): SagaState {
    if (this.folded === undefined) throw new TypeError('Expected a saga to be started first');
    return this.folded;
  }

  write<Type extends SagaRecordType>(type: Type, data: SagaRecordData[Type]): void {
    const seq = (this.folded?.seq ?? 0) + 1;
    const header = { seq, epoch: this.context.epoch, timestamp: this.context.now, type };
    const record = { ...header, ...data } as unknown as SagaRecord;
    this.folded = applyRecord(this.context.id, this.folded, record);
    this.records.push(record);
  }

  stepState(index: number): StepState {
    const step = this.state.steps[index];
    if (step === undefined) throw new RangeError(`Expected a step of saga "${this.state.name}", got index ${index}`);
    return step;
  }

  stepDefinition(index: number): StepDefinition {
    const step = this.definition.steps[index];
    if (step === undefined)
      throw new RangeError(`Expected a step of saga "${this.definition.name}", got index ${index}`);
    return step;
  }

  get remainingMs(): number {
    const { deadlineAt } = this.state;
    return deadlineAt === undefined ? Infinity : deadlineAt - this.context.now;
  }
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
    case 'action-applied':
      if (isOpen(draft, command, 'action')) {
        const { name: step } = draft.stepDefinition(command.step);
        const { attempt, output } = command;
        draft.write('step-confirmed', { step, attempt, output, ...settling(command.settleAt) });
      }
      return;
    case 'action-failed':
      if (isOpen(draft, command, 'action')) noteActionFailure(draft, command);
      return;
    case 'action-settled':
      if (!isTerminal(draft.state.status) && draft.stepState(command.step).settleAt !== undefined) {
        draft.write('step-settled', { step: draft.stepDefinition(command.step).name });
      }
      return;
    case 'compensation-applied':
      if (isOpen(draft, command, 'compensation')) {
        const { name: step } = draft.stepDefinition(command.step);
        draft.write('step-compensated', { step, attempt: command.attempt });
      }
      return;
    case 'compensation-failed':
      if (isOpen(draft, command, 'compensation')) noteCompensationFailure(draft, command);
      return;
    case 'recover':
      return recoverOpenAttempts(draft);
    case 'proceed':
      return;
  }
}

/** Whether an outcome belongs to the attempt that is in flight; a late one of an earlier attempt does not count. */
function isOpen(draft: Draft, outcome: { readonly step: number; readonly attempt: number }, phase: StepPhase): boolean {
  const call = draft.stepState(outcome.step)[phase];
  return call.open && call.attempts === outcome.attempt && !isTerminal(draft.state.status);
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

function settling(settleAt: number | undefined): { readonly settleAt?: number } {
  return settleAt === undefined ? {} : { settleAt };
}

function judge(draft: Draft, rules: RetryRules, error: unknown, call: CallState, remainingMs: number): RetryDecision {
  const { now, random } = draft.context;
  const failed = { error, number: call.attempts, previousDelayMs: call.previousDelayMs, remainingMs, now };
  return decideRetry(failed, rules, random);
}

function noteActionFailure(draft: Draft, command: Extract<SagaCommand, { type: 'action-failed' }>): void {
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

function noteCompensationFailure(draft: Draft, command: Extract<SagaCommand, { type: 'compensation-failed' }>): void {
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

/** An action has failed for good: undo the saga, or, when the point of no return may be behind it, ask a person. */
function giveUp(draft: Draft, step: StepDefinition, reason: CompensationReason, failure: Failure): void {
  if (draft.state.reason !== undefined) return;
  const mayBePast = step.afterPivot || (step.pivot && draft.stepState(step.index).status === 'unknown');
  if (mayBePast) draft.write('escalated', { step: step.name, phase: 'action', failure });
  else draft.write('saga-compensating', { reason, failure });
}

const interrupted: Failure = {
  code: 'MAKEGOOD_INTERRUPTED',
  message: 'the process ended while the attempt was in flight',
};

/** After a crash an open attempt is made again under the next number, while there is one; then nobody knows its effect. */
function recoverOpenAttempts(draft: Draft): void {
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

/** Starts whatever can start now. */
function advance(draft: Draft): void {
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

/**
 * Outputs of the confirmed steps, by name, for handlers to read.
 *
 * @internal
 */
export function resultsOf(state: SagaState): Readonly<Record<string, JsonValue>> {
  const results = Object.create(null) as Record<string, JsonValue>;
  for (const step of state.steps) if (step.output !== undefined) results[step.name] = step.output;
  return results;
}
