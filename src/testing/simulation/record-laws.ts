/** What must hold of each record when it becomes durable. */
import { isCompensatable } from '../../saga/definition.ts';
import type { SagaRecord, SagaRecordOf } from '../../saga/record.ts';
import { applyRecord, type SagaState } from '../../saga/state.ts';
import { stepOf } from '../../saga/step-of.ts';
import type { StepState } from '../../saga/step-state.ts';
import type { SagaTrack } from './saga-track.ts';
import type { CallShape } from './shape.ts';
import { Violation } from './violation.ts';

/** Folds a record in; throws when it breaks a law. */
export function takeRecord(track: SagaTrack, record: SagaRecord): void {
  const { id, state: before } = track;
  if (before === undefined && record.type !== 'saga-started')
    throw new Violation('I10 only legal records', `"${record.type}" is the first record`, id);
  let after: SagaState;
  try {
    after = applyRecord(id, before, record);
  } catch (error) {
    throw new Violation('I10 only legal records', (error as Error).message, id, { cause: error });
  }
  if (before !== undefined) checkRecord(track, before, record);
  track.state = after;
  track.hash.addText(record.type);
  track.hash.addNumber(record.timestamp);
}

function stepNamed(state: SagaState, name: string): StepState {
  return state.steps.find((step) => step.name === name) as StepState;
}

function checkRecord(track: SagaTrack, before: SagaState, record: SagaRecord): void {
  const { counted, id } = track;
  if (before.finished) throw new Violation('I10 only legal records', `"${record.type}" follows the end`, id);
  switch (record.type) {
    case 'step-started':
      checkStart(track, before, record);
      return count(track, record.step, 'action');
    case 'compensation-started':
      checkUndoing(track, before, record);
      return count(track, record.step, 'compensation');
    case 'probe-started':
      return count(track, record.step, 'probe');
    case 'attempt-postponed':
      if (!stepNamed(before, record.step)[record.phase].polling) {
        const key = `${record.step}/${record.phase}`;
        counted.set(key, (counted.get(key) ?? 0) - 1);
      }
      return;
    case 'attempt-failed':
    case 'compensation-attempt-failed':
      return checkDelay(track, record);
    case 'escalated':
      if (record.step !== undefined && stepNamed(before, record.step).status === 'unknown')
        track.unknown.add(record.step);
      return;
    case 'human-decided':
      if (record.step !== undefined) {
        for (const phase of ['action', 'compensation', 'probe']) counted.delete(`${record.step}/${phase}`);
        if (!record.verb.startsWith('retry')) track.byHand.add(record.step);
      }
      return;
    case 'step-confirmed':
    case 'step-failed':
      return checkTimer(track, before, record);
    default:
  }
}

function checkStart(track: SagaTrack, before: SagaState, record: SagaRecordOf<'step-started'>): void {
  const { id } = track;
  const { action, facts } = stepNamed(before, record.step);
  const late = before.deadlineAt !== undefined && record.timestamp >= before.deadlineAt;
  if (late && facts.generation === undefined)
    throw new Violation('I6 no action after deadline or cancel', `"${record.step}" started after the deadline`, id);
  if (before.reason !== undefined)
    throw new Violation('I6 no action after deadline or cancel', `"${record.step}" started while undoing`, id);
  if (action.retryAt !== undefined && record.timestamp < action.retryAt) {
    const early = action.retryAt - record.timestamp;
    throw new Violation('I8b waits within the policy', `"${record.step}" was tried again ${early} ms early`, id);
  }
}

function limitOf(call: CallShape, phase: string): number {
  if (phase !== 'action') return call.compensationAttempts;
  return call.maxAttempts;
}

function count(track: SagaTrack, step: string, phase: string): void {
  const call = track.callOf(step);
  if (call === undefined) return;
  const key = `${step}/${phase}`;
  const attempts = (track.counted.get(key) ?? 0) + 1;
  track.counted.set(key, attempts);
  if (attempts <= limitOf(call, phase)) return;
  const most = limitOf(call, phase);
  throw new Violation(
    'I8 attempts within the policy',
    `${phase} of "${step}": attempt ${attempts} of ${most}`,
    track.id,
  );
}

/** The longest that a participant asks to wait before the next call. */
export const longestRetryAfterMs = 20_000;

function checkDelay(track: SagaTrack, record: SagaRecordOf<'attempt-failed' | 'compensation-attempt-failed'>): void {
  const call = track.callOf(record.step);
  if (call === undefined) return;
  const phase = record.type === 'attempt-failed' ? 'action' : 'compensation';
  const number = track.counted.get(`${record.step}/${phase}`) ?? 1;
  const plain = call.firstDelayMs === 0 ? 0 : Math.min(call.maxDelayMs, call.firstDelayMs * 2 ** (number - 1));
  const least = { none: plain, equal: plain / 2, full: 0 }[call.jitter];
  // An action that a crash cut short is made again at once.
  const low = 'crashed' in record ? 0 : least;
  const high = Math.max(plain, longestRetryAfterMs);
  const { delayMs } = record;
  if (delayMs >= low - 1 && delayMs <= high) return;
  const what = `${phase} of "${record.step}" waits ${delayMs} ms after attempt ${number}, allowed ${low} to ${high}`;
  throw new Violation('I8b waits within the policy', what, track.id);
}

function checkTimer(track: SagaTrack, before: SagaState, record: SagaRecordOf<'step-confirmed' | 'step-failed'>): void {
  const { facts } = stepNamed(before, record.step);
  if (facts.until === undefined || facts.signal !== undefined || record.timestamp >= facts.until) return;
  const timedOut = record.type === 'step-confirmed' || record.failure.code === 'MAKEGOOD_SIGNAL_TIMEOUT';
  if (!timedOut) return;
  const early = facts.until - record.timestamp;
  throw new Violation('I15 timers are never early', `"${record.step}" ended ${early} ms early`, track.id);
}

function isToUndo(track: SagaTrack, state: SagaState, index: number): boolean {
  const step = state.steps[index] as StepState;
  const undone = step.status === 'confirmed' || step.status === 'unknown' || step.status === 'compensating';
  return undone && isCompensatable(stepOf(track.definition, state, index));
}

/** The steps that were built on one, by the edges of the definition; an item stands where its list does. */
function successors(track: SagaTrack, state: SagaState, index: number): readonly number[] {
  const { steps } = track.definition;
  const places = new Set([state.steps[index]?.facts.of ?? index]);
  for (const step of steps) if (step.after.some((before) => places.has(before))) places.add(step.index);
  places.delete(state.steps[index]?.facts.of ?? index);
  return state.steps.flatMap((step, other) => (places.has(step.facts.of ?? other) ? [other] : []));
}

/** Undone in order: nothing in flight, and nothing left of what was built on the step, or came to be after it. */
function checkUndoing(track: SagaTrack, before: SagaState, record: SagaRecordOf<'compensation-started'>): void {
  const { id } = track;
  const refuse = (why: string): never => {
    throw new Violation('I5 undone in order', `"${record.step}" is undone while ${why}`, id);
  };
  if (before.reason === undefined) refuse('its saga goes forward');
  const open = before.steps.find((step) => step.action.open);
  if (open !== undefined) refuse(`an action of "${open.name}" is in flight`);
  const index = before.steps.findIndex((step) => step.name === record.step);
  const own = before.steps[index] as StepState;
  if (own.compensation.attempts > 0) return;
  // A person who has it made all the same knows more than its log does.
  const guess = own.status === 'unknown' && track.callOf(own.name)?.nullSafe === false;
  if (guess && own.facts.generation === undefined)
    throw new Violation('I4b undone only after it was begun', `nobody knows whether "${own.name}" happened`, id);
  if (own.settleAt !== undefined && own.settleAt > record.timestamp) refuse('a call of it may be on its way');
  // A person who has one made again does not wait for the others, nor do they wait for what is stuck.
  const stuck = own.facts.generation !== undefined || before.steps.some((step) => step.status === 'needs-human');
  const after =
    track.shape.compensate === 'parallel'
      ? successors(track, before, index)
      : before.steps.flatMap((step, other) =>
          other !== index && isUndoneBefore(step, rankOf(track, own)) ? [other] : [],
        );
  const left = stuck ? undefined : after.find((other) => isToUndo(track, before, other));
  if (left !== undefined) refuse(`"${before.steps[left]?.name}" stands`);
}

/** What a step ranks as, whatever a person has decided about it since. */
function rankOf({ unknown }: SagaTrack, { name, status, rank }: StepState): Pick<StepState, 'status' | 'rank'> {
  return { status: unknown.has(name) ? 'unknown' : status, rank };
}

function isUndoneBefore(step: StepState, own: Pick<StepState, 'status' | 'rank'>): boolean {
  if (step.status === 'unknown' && own.status !== 'unknown') return true;
  // Where several were given up, a person may have sent one back into the line that was in hand before.
  if (step.status === 'compensating') return step.compensation.open || step.facts.generation === undefined;
  return step.status === own.status && step.rank > own.rank;
}
