import { isMakegoodError } from '../errors.ts';
import { retryAfterMs } from '../retry/retry-after.ts';
import type { CallEffect, OutcomeCommand, SagaCommand } from '../saga/command.ts';
import type { CallStep } from '../saga/definition.ts';
import { toJsonValue } from '../saga/json-value.ts';
import type { CallKind } from '../saga/record.ts';
import { isDefinite } from '../saga/terminal-error.ts';

// What a participant that is still at it, or a guard that refuses, asks us to wait when it does not say.
const defaultDelayMs = 1000;

/** A call that has ended, as far as its outcome depends on it. */
export interface EndedCall {
  readonly step: CallStep;
  readonly effect: CallEffect;
  /** Whether it was ended from outside, by its time-out or because the saga was cancelled. */
  readonly wasEnded: boolean;
  /** Until then (ms since 1970) an earlier attempt, whose handler has not returned, may still be on its way. */
  readonly settleAt: number | undefined;
  /** When the attempt was written down, ms since 1970. */
  readonly writtenAt: number;
  readonly now: number;
}

/** What a handler that returned says. */
export function outcomeOfValue(call: EndedCall, value: unknown): OutcomeCommand {
  const { effect, step, settleAt } = call;
  const of = { step: effect.step, attempt: effect.attempt };
  if (effect.type === 'compensate') return { type: 'compensation-applied', ...of };
  try {
    if (effect.type === 'probe') return { type: 'probe-answered', ...of, ...answerOf(step, value) };
    const output = toJsonValue(value, `output of step "${step.name}"`);
    return { type: 'action-applied', step: effect.step, attempt: effect.attempt, output, settleAt };
  } catch (error) {
    if (effect.type === 'probe') return { type: 'probe-failed', ...of, error };
    // The effect happened but its output cannot be kept: the step counts as unknown, so that it is undone.
    return { type: 'action-failed', ...of, error, definite: false };
  }
}

function answerOf(
  step: CallStep,
  value: unknown,
): Pick<Extract<SagaCommand, { type: 'probe-answered' }>, 'effect' | 'output'> {
  const { effect, output } = (value ?? {}) as { readonly effect?: unknown; readonly output?: unknown };
  if (effect === 'none') return { effect };
  if (effect === 'applied') return { effect, output: toJsonValue(output, `output of step "${step.name}"`) };
  throw new TypeError(
    `Expected the status probe of step "${step.name}" to answer { effect: 'applied' } or { effect: 'none' }, got ${String(effect)}`,
  );
}

/** What a handler that threw says. */
export function outcomeOfError(call: EndedCall, error: unknown): OutcomeCommand {
  const { effect, step, now } = call;
  const of = { step: effect.step, attempt: effect.attempt };
  const phase = phaseOf(effect);
  if (isMakegoodError(error, 'MAKEGOOD_IN_PROGRESS')) {
    return { type: 'call-in-progress', ...of, phase, delayMs: retryAfterMs(error, now) ?? defaultDelayMs };
  }
  if (phase === 'probe') return { type: 'probe-failed', ...of, error };
  const definite = isDefinite(error);
  if (phase === 'compensation') return { type: 'compensation-failed', ...of, error, definite };
  const nothing = saysNothingHappened(error) || (step.effectBeforeThrow === 'never' && !call.wasEnded);
  const effectOf = nothing ? ({ effect: 'none' } as const) : {};
  return { type: 'action-failed', ...of, error, definite, ...effectOf, ...settlingOf(call, error) };
}

function phaseOf({ type }: CallEffect): CallKind {
  return ({ run: 'action', compensate: 'compensation', probe: 'probe' } as const)[type];
}

/** Until when the call may still be on its way, by whether its participant has answered. */
function settlingOf(
  { step, effect, settleAt, writtenAt }: EndedCall,
  error: unknown,
): Pick<Extract<OutcomeCommand, { type: 'action-failed' }>, 'settleAt' | 'answered'> {
  if (step.targets === undefined) return { settleAt };
  if (hasAnswered(error)) return { answered: true };
  if (saysNothingHappened(error)) return {};
  // What was sent may take effect until then, although nobody here waits for it any more.
  return { settleAt: writtenAt + effect.timeoutMs + step.maxFlightMs };
}

/** Whether a remote participant answered, by what its answer was turned into. */
function hasAnswered(error: unknown): boolean {
  const { status } = (error ?? {}) as { readonly status?: unknown };
  return typeof status === 'number' || isDefinite(error);
}

/** Recognised by a property, so that it also counts after crossing a package or process boundary. */
function saysNothingHappened(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'effect' in error && error.effect === 'none';
}

/** What a call says that a guard refused: it was not made. */
export function outcomeOfRefusal({ effect, now }: EndedCall, error: unknown): OutcomeCommand {
  const of = { step: effect.step, attempt: effect.attempt };
  return {
    type: 'call-postponed',
    ...of,
    phase: phaseOf(effect),
    error,
    delayMs: retryAfterMs(error, now) ?? defaultDelayMs,
  };
}
