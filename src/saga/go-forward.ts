import type { CallStep, EachStep, StepDefinition } from './definition.ts';
import type { Draft } from './draft.ts';
import { type Failure, failureOf } from './failure.ts';
import { giveUp } from './give-up.ts';
import { type JsonValue, toJsonValue } from './json-value.ts';
import type { CompensationReason } from './record.ts';
import { resultsOf } from './results.ts';
import { stillAtItUntil } from './settle-time.ts';
import { isHeld } from './state.ts';
import type { StepState } from './step-state.ts';

// Each item is a step with a state of its own; a list of another size of magnitude belongs into a saga for each part.
const mostItems = 10_000;

/** What one pass over the steps has seen. */
class Pass {
  done = 0;
  /** Steps whose calls are in flight, or due again. */
  calls = 0;
  /** Steps that wait for a timer, a signal or a child. */
  waits = 0;
  /** Items that may still be started, by the place of their list. */
  private rooms: Map<number, number> | undefined;

  /** Takes a place among the items that are worked on at the same time. */
  takeRoom(draft: Draft, list: number): boolean {
    this.rooms ??= new Map();
    const room = this.rooms.get(list) ?? roomOf(draft, list);
    this.rooms.set(list, Math.max(0, room - 1));
    return room > 0;
  }
}

function roomOf(draft: Draft, list: number): number {
  const active = draft.state.steps.filter(({ facts, status }) => facts.of === list && status === 'running').length;
  return (draft.stepDefinition(list) as EachStep).concurrency - active;
}

/** Starts whatever can start now, and completes the saga when there is nothing left. */
export function goForward(draft: Draft): void {
  if (isHeld(draft.state)) return;
  const pass = new Pass();
  // A step may add others behind it, and each record makes a new list.
  for (let index = 0; index < draft.state.steps.length; index++) {
    const { status } = draft.stepState(index);
    if (status === 'pending' && isReady(draft, index, pass)) begin(draft, index);
    if (draft.stepState(index).status === 'running') goOn(draft, index, pass);
    if (draft.state.reason !== undefined) return;
    if (isDone(draft.stepState(index))) pass.done++;
  }
  if (pass.done === draft.state.steps.length) complete(draft);
  else if (pass.waits > 0 && pass.calls === 0 && draft.state.status === 'running') draft.write('saga-waiting', {});
}

function isDone({ status }: StepState): boolean {
  return status === 'confirmed' || status === 'skipped';
}

function isReady(draft: Draft, index: number, pass: Pass): boolean {
  const { of } = draft.stepState(index).facts;
  if (of !== undefined) return draft.stepState(of).status === 'running' && pass.takeRoom(draft, of);
  for (const before of draft.stepDefinition(index).after) if (!isDone(draft.stepState(before))) return false;
  return true;
}

/** What a step's own questions are answered with. */
function factsOf(draft: Draft): { readonly input: JsonValue; readonly results: Readonly<Record<string, JsonValue>> } {
  return { input: draft.state.input, results: resultsOf(draft.state) };
}

/** Begins a step that makes no call at once; one that does begins with its first attempt. */
function begin(draft: Draft, index: number): void {
  const step = draft.stepDefinition(index);
  const { name } = draft.stepState(index);
  try {
    if (step.when !== undefined && draft.stepState(index).facts.of === undefined && !step.when(factsOf(draft))) {
      return draft.write('step-skipped', { step: name });
    }
    if (remainingFor(draft, index) <= 0) return missDeadline(draft, index);
    if (step.kind === 'call') return attemptAction(draft, index, step);
    if (step.kind === 'child') return startChild(draft, index);
    if (step.kind === 'each') return draft.write('items-listed', { step: name, items: listItems(draft, step) });
    const timeoutMs = step.kind === 'sleep' ? step.sleepMs : step.timeoutMs;
    const until = timeoutMs === undefined ? {} : { until: draft.context.now + timeoutMs };
    draft.write('step-waiting', { step: name, ...until });
  } catch (error) {
    failForCertain(draft, index, failureOf(error, name), 'failed');
  }
}

/** A step that failed without any call: nothing of it happened. */
function failForCertain(draft: Draft, index: number, failure: Failure, reason: CompensationReason): void {
  const { name: step, action } = draft.stepState(index);
  draft.write('step-failed', { step, attempt: action.attempts, failure });
  giveUp(draft, index, reason, failure);
}

function listItems(draft: Draft, step: EachStep): readonly JsonValue[] {
  const listed = step.items(factsOf(draft));
  if (!Array.isArray(listed))
    throw new TypeError(`Expected the items of step "${step.name}" to be an array, got ${typeof listed}`);
  if (listed.length > mostItems) {
    throw new RangeError(`Expected at most ${mostItems} items of step "${step.name}", got ${listed.length}`);
  }
  return toJsonValue(listed, `items of step "${step.name}"`) as readonly JsonValue[];
}

/** Goes on with a step that has begun, and notes what it waits for. */
function goOn(draft: Draft, index: number, pass: Pass): void {
  const step = draft.stepDefinition(index);
  if (step.kind === 'call') {
    if (!draft.stepState(index).action.open) attemptAction(draft, index, step);
    pass.calls++;
  } else if (step.kind === 'each') {
    finishList(draft, index);
  } else {
    if (step.kind !== 'child') awaitWord(draft, index, step);
    if (draft.stepState(index).status === 'running') pass.waits++;
  }
}

function finishList(draft: Draft, index: number): void {
  const items = draft.state.steps.filter(({ facts }) => facts.of === index);
  // What the items answered stands with them; their list is put together when it is read.
  if (items.every(isDone)) confirm(draft, index, null);
}

function confirm(draft: Draft, index: number, output: JsonValue): void {
  draft.write('step-confirmed', { step: draft.stepState(index).name, attempt: 0, output });
}

/** Goes on with a sleep or with the wait for a signal: it is over, or it is not yet. */
function awaitWord(draft: Draft, index: number, step: StepDefinition): void {
  const { name, facts } = draft.stepState(index);
  const { now } = draft.context;
  if (facts.signal !== undefined) return confirm(draft, index, facts.signal[0]);
  const until = facts.until ?? Infinity;
  if (until <= now) {
    if (step.kind === 'sleep') return confirm(draft, index, null);
    const failure = { code: 'MAKEGOOD_SIGNAL_TIMEOUT', message: `no signal "${name}" came in time`, step: name };
    return failForCertain(draft, index, failure, 'failed');
  }
  const remainingMs = remainingFor(draft, index);
  if (remainingMs <= 0) return missDeadline(draft, index);
  const due = Math.min(until, now + remainingMs);
  if (due < Infinity) draft.wake(due);
}

function startChild(draft: Draft, index: number): void {
  draft.write('step-started', { step: draft.stepState(index).name, attempt: 1 });
  draft.effects.push({ type: 'start-child', step: index });
}

/** Time left for a step. A person who asks for another attempt has seen that the saga's time is over. */
function remainingFor(draft: Draft, index: number): number {
  return draft.stepState(index).facts.generation === undefined ? draft.remainingMs : Infinity;
}

function attemptAction(draft: Draft, index: number, step: CallStep): void {
  const { name, action } = draft.stepState(index);
  const remainingMs = remainingFor(draft, index);
  if (remainingMs <= 0) return missDeadline(draft, index);
  if (action.retryAt !== undefined && action.retryAt > draft.context.now) {
    return draft.wake(Math.min(action.retryAt, draft.context.now + remainingMs));
  }
  const attempt = action.polling ? action.attempts : action.attempts + 1;
  if (action.polling) draft.write('step-polled', { step: name, phase: 'action', attempt });
  else if (step.pin === undefined || attempt > 1) draft.write('step-started', { step: name, attempt });
  else draft.write('step-started', { step: name, attempt, pin: pinOf(draft, step, step.pin) });
  const timeoutMs = Math.min(step.timeoutMs, remainingMs);
  draft.effects.push({ type: 'run', step: index, attempt, timeoutMs });
}

function pinOf(draft: Draft, { name }: CallStep, pin: NonNullable<CallStep['pin']>): JsonValue {
  return toJsonValue(pin(factsOf(draft)), `pin of step "${name}"`);
}

function missDeadline(draft: Draft, index: number): void {
  const { name: step, action, facts } = draft.stepState(index);
  const overMs = Math.round(-draft.remainingMs);
  const message =
    action.attempts === 0
      ? `the saga's deadline had passed ${overMs} ms before the step was done`
      : `the saga's deadline had passed ${overMs} ms before attempt ${action.attempts + 1}`;
  const failure: Failure = { code: 'MAKEGOOD_DEADLINE_EXCEEDED', message, step };
  const unknown = facts.mayBeApplied === true || action.polling;
  const settleAt = stillAtItUntil(draft, index);
  const settling = settleAt === undefined ? {} : { settleAt };
  if (unknown) draft.write('step-unknown', { step, attempt: action.attempts, failure, ...settling });
  else if (draft.stepState(index).status === 'running')
    draft.write('step-failed', { step, attempt: action.attempts, failure });
  giveUp(draft, index, 'deadline', failure);
}

function complete(draft: Draft): void {
  const { definition, state } = draft;
  if (state.status !== 'running' && state.status !== 'waiting') return;
  try {
    const made = definition.makeOutput({ input: state.input, results: resultsOf(state) });
    const output = toJsonValue(made, `output of saga "${definition.name}"`);
    draft.write(state.parent === undefined ? 'saga-completed' : 'saga-held', { output });
  } catch (error) {
    const failure = failureOf(error);
    if (definition.steps.some((step) => step.pivot)) draft.write('escalated', { phase: 'action', failure });
    else draft.write('saga-compensating', { reason: 'failed', failure });
  }
}
