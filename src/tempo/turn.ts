import type { CallEffect, OutcomeCommand, SagaCommand } from '../saga/command.ts';
import type { SagaDecision } from '../saga/decide-saga.ts';
import type { SagaState } from '../saga/state.ts';
import { SagaCancelledError } from './saga-errors.ts';

/** One time round the loop: a decision, and what it was decided upon. */
export interface Turn {
  readonly decision: SagaDecision;
  /** What the saga is after the records, for the journal. */
  readonly state: SagaState;
  readonly expectedSeq: number;
  readonly epoch: number;
  readonly hold: boolean;
  /** Whether the saga may take the id of one that was purged. */
  readonly allowReuse: boolean | undefined;
  /** The numbers of what other coordinators have asked, where there is any. */
  readonly asked: readonly string[] | undefined;
  /** The commands it answers, where somebody waits for one. */
  readonly answered: readonly SagaCommand[] | undefined;
}

const outcomes: ReadonlySet<string> = new Set([
  'action-applied',
  'action-failed',
  'compensation-applied',
  'compensation-failed',
  'probe-answered',
  'probe-failed',
]);

/** The numbers under which other coordinators have asked for these commands. */
export function askedBy(commands: readonly SagaCommand[]): readonly string[] {
  return commands.flatMap((command) => ('asked' in command && command.asked !== undefined ? [command.asked] : []));
}

/** Whether an outcome came too late to say anything. */
export function isStale({ type }: SagaCommand, { records }: SagaDecision): boolean {
  return records.length === 0 && outcomes.has(type);
}

/** Whether others have to know: a saga may also come to hold an output while it goes on waiting. */
export function hasMoved(before: SagaState | undefined, after: SagaState): boolean {
  if (before === undefined || before.status !== after.status || after.status === 'needs-human') return true;
  return after.finished || before.output !== after.output;
}

/** Two decisions, the second made on the state that the first led to, as one. */
export function joined(first: SagaDecision, second: SagaDecision): SagaDecision {
  const { records, effects } = first;
  return { records: [...records, ...second.records], state: second.state, effects: [...effects, ...second.effects] };
}

/** The saga was turned round in the same append that announced the call: it is not made, and so has no effect. */
export function leftUncalled({ id, said, steps }: SagaState, { step, attempt }: CallEffect): OutcomeCommand {
  const error = new SagaCancelledError(id, said);
  // To ask again would have been no attempt: what the one before has done is still open.
  const effect = steps[step]?.action.polling === true ? undefined : 'none';
  return { type: 'action-failed', step, attempt, error, definite: false, effect };
}
