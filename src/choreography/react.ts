import type { Clock } from '../ports/clock.ts';
import { toJsonValue } from '../saga/json-value.ts';
import { attachDeadline } from '../time/deadline.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';
import { DerivedSignal } from '../time/derived-signal.ts';
import { NotYetError, ReactionRefusedError } from './choreography-errors.ts';
import type { CloudEvent } from './cloud-event.ts';
import { draftOf, type Emitter, type NewEvent } from './drafts.ts';
import type { InboxSession, ReactionRow } from './inbox.ts';
import type { Outbox } from './outbox.ts';
import type { Emit, Reaction, ReactionContext } from './reaction.ts';

/** What came of an event at a consumer. */
export type Outcome = 'applied' | 'compensated' | 'barred' | 'duplicate' | 'superseded';

/** What reactions are run with. */
export interface Reactors<Transaction> extends Emitter {
  readonly outbox: Pick<Outbox<Transaction>, 'add'>;
  readonly reactions: ReadonlyMap<string, Reaction<Transaction>>;
  readonly undoing: ReadonlyMap<string, readonly Reaction<Transaction>[]>;
  readonly clock: Clock;
}

/** Undoes what the event undoes and does what it asks for, in the session's transaction. */
export async function react<Transaction>(
  reactors: Reactors<Transaction>,
  session: InboxSession<Transaction>,
  event: CloudEvent,
  failures: number,
  signal: AbortSignal,
): Promise<Outcome> {
  let outcome: Outcome = 'barred';
  for (const undone of reactors.undoing.get(event.type) ?? []) {
    if (await undo(reactors, session, undone, event, failures, signal)) outcome = 'compensated';
  }
  const reaction = reactors.reactions.get(event.type);
  return reaction === undefined ? outcome : run(reactors, session, reaction, event, failures, signal);
}

async function run<Transaction>(
  reactors: Reactors<Transaction>,
  session: InboxSession<Transaction>,
  reaction: Reaction<Transaction>,
  event: CloudEvent,
  failures: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const before = await session.reaction(reaction.type);
  if (before?.barred === true) return 'barred';
  const data = await dataFor(reaction, event);
  if (await isSuperseded(reaction, event, data, session.transaction)) return 'superseded';
  const output = await call(reactors, session, reaction, event, { data, failures, signal }, reaction.run);
  if (reaction.compensate === undefined) return 'applied';
  const { id } = event;
  const done = { id, output: toJsonValue(output, `output of the reaction to "${event.type}"`), event };
  await session.saveReaction(reaction.type, { barred: false, runs: [...(before?.runs ?? []), done] });
  return 'applied';
}

/** @returns whether there was something to undo; if there was not, there never will be. */
async function undo<Transaction>(
  reactors: Reactors<Transaction>,
  session: InboxSession<Transaction>,
  reaction: Reaction<Transaction>,
  because: CloudEvent,
  failures: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { runs }: ReactionRow = (await session.reaction(reaction.type)) ?? { barred: false, runs: [] };
  for (const { event, output } of runs.toReversed()) {
    const data = await dataFor(reaction, event);
    const facts = { data, failures, signal, cause: because };
    await call(reactors, session, reaction, event, facts, (context) =>
      reaction.compensate?.({ ...context, output, because }),
    );
  }
  await session.saveReaction(reaction.type, { barred: true, runs: [] });
  return runs.length > 0;
}

/** Calls one function of a reaction; what it has emitted goes to the outbox when it has returned. */
async function call<Transaction>(
  reactors: Reactors<Transaction>,
  { transaction, now }: InboxSession<Transaction>,
  { emits, type, timeoutMs }: Reaction<Transaction>,
  event: CloudEvent,
  facts: {
    readonly data: unknown;
    readonly failures: number;
    readonly signal: AbortSignal;
    readonly cause?: CloudEvent;
  },
  work: (context: ReactionContext<Transaction, unknown, string>) => unknown,
): Promise<unknown> {
  const { clock, outbox, source } = reactors;
  const { data, failures, cause = event } = facts;
  const emitted: NewEvent[] = [];
  let isOver = false;
  const emit: Emit<string> = (emittedType, emittedData, options) => {
    if (isOver) throw new TypeError(`Expected "${emittedType}" to be emitted before the reaction to "${type}" ended`);
    if (!emits.has(emittedType))
      throw new TypeError(`Expected emits of the reaction to "${type}" to list "${emittedType}", which it emits`);
    emitted.push({ type: emittedType, sagaId: event.sagaid, data: emittedData, options, cause });
  };
  const derived = signalFor(facts.signal, timeoutMs, clock, `the reaction to "${type}"`);
  const idempotencyKey = `${source}/${event.source}/${event.id}/${cause === event ? 'action' : 'compensation'}`;
  const { sagaid: sagaId } = event;
  const attempt = failures + 1;
  try {
    const value = await work({
      event,
      data,
      sagaId,
      transaction,
      emit,
      attempt,
      idempotencyKey,
      signal: derived.signal,
    });
    derived.signal.throwIfAborted();
    isOver = true;
    if (emitted.length > 0)
      await outbox.add(
        transaction,
        emitted.map((made) => draftOf(reactors, now, made)),
      );
    return value;
  } finally {
    isOver = true;
    derived.dispose();
  }
}

// A function that is deaf to its signal is waited for all the same: its transaction must not end under its hands.
function signalFor(parent: AbortSignal, timeoutMs: number, clock: Clock, what: string): DerivedSignal {
  const derived = new DerivedSignal([parent]);
  const startedMs = clock.monotonicMs();
  attachDeadline(derived.signal, { clock, dueMs: startedMs + timeoutMs });
  derived.abortAfter(timeoutMs, clock, () => {
    return new DeadlineExceededError(what, { deadlineMs: timeoutMs, elapsedMs: clock.monotonicMs() - startedMs });
  });
  return derived;
}

async function dataFor<Transaction>({ schema, type }: Reaction<Transaction>, { data }: CloudEvent): Promise<unknown> {
  if (schema === undefined) return data;
  const result = await schema['~standard'].validate(data);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message }) => message).join('; ');
  throw new ReactionRefusedError(`the data of "${type}" are not what is expected: ${issues}`);
}

/** Whether the entity has moved past the version that the event was made for. */
async function isSuperseded<Transaction>(
  { entityVersion }: Reaction<Transaction>,
  event: CloudEvent,
  data: unknown,
  transaction: Transaction,
): Promise<boolean> {
  const { expectedversion: expected } = event;
  if (entityVersion === undefined || expected === undefined) return false;
  const version = await entityVersion({ event, data, transaction });
  if (version < expected) throw new NotYetError(`the entity has version ${version}, and the event is for ${expected}`);
  return version > expected;
}
