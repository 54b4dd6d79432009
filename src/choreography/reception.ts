/**
 * What becomes of one event at one consumer. Three transactions at most, each alone on the event's lane:
 * it is counted before its handler begins; the handler's writes, its events and the mark that it is done are one; and if
 * that failed, the failure is written with what follows from it.
 */
import { InProgressError } from '../idempotency/idempotency-errors.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import { decideRetry } from '../retry/decide-retry.ts';
import { failureOf } from '../saga/failure.ts';
import { isDefinite } from '../saga/terminal-error.ts';
import { NotYetError, ReactionRefusedError } from './choreography-errors.ts';
import type { ChoreographyEvent } from './choreography-events.ts';
import type { CloudEvent } from './cloud-event.ts';
import { type Admission, type AdmissionRules, decideAdmission, rootOf } from './decide-admission.ts';
import { deadLetterDraftOf, type Emitter, originalOf, retryDraftOf } from './drafts.ts';
import type { DeliveryRow, Inbox, InboxSession, LaneRow } from './inbox.ts';
import type { Outbox } from './outbox.ts';
import { type Outcome, react } from './react.ts';
import type { Reaction } from './reaction.ts';

/** What a consumer works with. */
export interface Consumer<Transaction> extends Emitter {
  readonly inbox: Inbox<Transaction>;
  readonly outbox: Outbox<Transaction>;
  readonly reactions: ReadonlyMap<string, Reaction<Transaction>>;
  /** Reactions by the types of events that undo them. */
  readonly undoing: ReadonlyMap<string, readonly Reaction<Transaction>[]>;
  readonly limits: Pick<AdmissionRules, 'maxDeliveries' | 'maxCrashes' | 'maxHops' | 'skewAllowanceMs'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<ChoreographyEvent> | undefined;
  /** Told when the outbox has got something. */
  readonly onAdded: () => void;
}

/** What was written down of an event before it is dealt with. */
export interface Admitted {
  readonly admission: Admission;
  /** Whether other events wait in its lane. */
  readonly othersWait: boolean;
}

/** What came of an event. */
export interface Done {
  readonly outcome: Outcome;
  readonly othersWait: boolean;
}

// Often enough that nobody waits long for what has come, and seldom enough to bother nobody.
const holdEveryMs = 1000;

/** Receives the events of one consumer. */
export class Reception<Transaction> {
  private readonly consumer: Consumer<Transaction>;

  constructor(consumer: Consumer<Transaction>) {
    this.consumer = consumer;
  }

  /** Whether this consumer has anything to do with such an event. */
  concerns({ type, target }: CloudEvent): boolean {
    const { source, reactions, undoing } = this.consumer;
    return (target === undefined || target === source) && (reactions.has(type) || undoing.has(type));
  }

  /**
   * Deals with an event that has come from the broker, and with those that it was in the way of.
   *
   * @throws {InProgressError} when the saga's lane is taken: it is to be given again.
   */
  async receive(event: CloudEvent, signal: AbortSignal): Promise<void> {
    if (await this.deal(event, false, signal)) await this.drain(event.sagaid, signal);
  }

  /** Deals with the events of a saga that wait in the inbox, as long as nothing is in their way. */
  async drain(sagaId: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = await this.on(sagaId, async (session) =>
        session.lane.parked > 0 && session.lane.blockedBy === undefined ? session.nextWaiting() : undefined,
      );
      if (next === undefined) return;
      await this.deal(next.row.event, true, signal);
    }
  }

  /** @returns whether other events wait in the lane, as far as is known. */
  private async deal(event: CloudEvent, isItsTurn: boolean, signal: AbortSignal): Promise<boolean> {
    const admitted = await this.on(event.sagaid, (session, tell) => this.admit(session, event, isItsTurn, tell));
    return this.proceed(event, admitted, signal);
  }

  /**
   * Does with an event what was written down.
   *
   * @returns whether other events wait in the lane, as far as is known.
   */
  async proceed(event: CloudEvent, { admission, othersWait }: Admitted, signal: AbortSignal): Promise<boolean> {
    let mustDrain = othersWait;
    if (admission.admit === 'busy')
      throw new InProgressError(`event "${event.id}"`, { retryAfterMs: admission.afterMs });
    if (admission.admit === 'run') {
      const { deliveries } = admission.row;
      try {
        const work = (session: InboxSession<Transaction>): Promise<Done> =>
          this.run(session, event, deliveries, signal, this.consumer.outbox);
        const done = await this.on(event.sagaid, work, signal);
        mustDrain = done.othersWait;
        this.tell(event, done.outcome);
      } catch (error) {
        if (error instanceof InProgressError) throw error;
        await this.fail(event, error, signal);
      }
    }
    this.consumer.onAdded();
    return mustDrain;
  }

  /** Writes down what is to be done with an event, before it is done. */
  async admit(
    session: InboxSession<Transaction>,
    event: CloudEvent,
    isItsTurn: boolean,
    tell: (event: ChoreographyEvent) => void,
  ): Promise<Admitted> {
    const { limits, reactions, undoing } = this.consumer;
    const reaction = reactions.get(event.type);
    const isSupported = undoing.has(event.type) || reaction?.versions.has(event.dataversion ?? '1') === true;
    const row = await session.delivery(event);
    const ordinal = row?.ordinal ?? (await session.nextOrdinal());
    const rules = { ...limits, isSupported, isItsTurn };
    const admission = decideAdmission(event, row, session.lane, rules, session.now, ordinal);
    if (admission.admit === 'run') {
      await session.saveDelivery(event, admission.row);
      if (!isItsTurn) await session.saveLane({ ...session.lane, blockedBy: rootOf(event) });
    } else if (admission.admit === 'park') {
      const { reason, blocks } = admission;
      await session.saveDelivery(event, { ...waitingRow(row, ordinal, session.now), state: 'parked', reason, event });
      const lane = row?.event === undefined ? { ...session.lane, parked: session.lane.parked + 1 } : session.lane;
      await session.saveLane(blocks ? { ...lane, blockedBy: rootOf(event) } : lane);
    } else if (admission.admit === 'dead') {
      tell(await this.bury(session, event, row, { ...admission, detail: '' }));
    }
    return { admission, othersWait: session.lane.parked > 0 };
  }

  /** Lets an event take effect that was admitted, in the session's transaction; what it emits goes to the outbox given. */
  async run(
    session: InboxSession<Transaction>,
    event: CloudEvent,
    deliveries: number,
    signal: AbortSignal,
    outbox: Pick<Outbox<Transaction>, 'add'>,
  ): Promise<Done> {
    const row = await session.delivery(event);
    const othersWait = session.lane.parked > 0;
    if (row?.state !== 'running' || row.deliveries !== deliveries) return { outcome: 'duplicate', othersWait };
    const reactors = { ...this.consumer, outbox };
    const outcome = await react(reactors, session, originalOf(event), event.retryattempt ?? 0, signal);
    await this.finish(session, event, row);
    return { outcome, othersWait };
  }

  /** The event is dealt with: nothing waits for it any more. */
  private async finish(session: InboxSession<Transaction>, event: CloudEvent, row: DeliveryRow): Promise<void> {
    const { event: _, ...settled } = row;
    await session.saveDelivery(event, { ...settled, state: 'done', since: session.now });
    await session.saveLane(without(session.lane, row.event !== undefined));
  }

  /** Writes down that the run has failed, and what follows. */
  private async fail(event: CloudEvent, error: unknown, signal: AbortSignal): Promise<void> {
    const { random } = this.consumer;
    const reaction = this.consumer.reactions.get(event.type) ?? this.consumer.undoing.get(event.type)?.[0];
    const attempts = (event.retryattempt ?? 0) + 1;
    await this.on(event.sagaid, async (session, tell) => {
      const row = await session.delivery(event);
      if (row?.state !== 'running' || reaction === undefined) return;
      if (signal.aborted) return this.giveBack(session, event, row);
      if (error instanceof NotYetError) return tell(await this.hold(session, event, row, reaction, error));
      const detail = failureOf(error).message;
      if (error instanceof ReactionRefusedError || isDefinite(error))
        return tell(await this.bury(session, event, row, { reason: 'refused', blocks: true, detail }, error));
      const failed = { error, number: attempts, previousDelayMs: event.retry?.backoffms, remainingMs: Infinity };
      const decision = decideRetry(failed, reaction.retry, random);
      if (decision.retry)
        return tell(await this.retry(session, event, row, { attempts, delayMs: decision.delayMs, error }));
      return tell(await this.bury(session, event, row, { reason: decision.reason, blocks: true, detail }, error));
    });
  }

  /** The reactor stops: the event comes back as if its handler had never begun. */
  private async giveBack(session: InboxSession<Transaction>, event: CloudEvent, row: DeliveryRow): Promise<void> {
    const state = row.event === undefined ? 'open' : 'parked';
    await session.saveDelivery(event, { ...row, state, deliveries: row.deliveries - 1, since: session.now });
  }

  private async retry(
    session: InboxSession<Transaction>,
    event: CloudEvent,
    row: DeliveryRow,
    facts: {
      readonly attempts: number;
      readonly delayMs: number;
      readonly error: unknown;
      readonly heldSince?: number;
    },
  ): Promise<ChoreographyEvent> {
    const { outbox, source: consumer } = this.consumer;
    const draft = retryDraftOf(this.consumer, event, { ...facts, failure: failureOf(facts.error) });
    await outbox.add(session.transaction, [draft]);
    const { event: _, ...settled } = row;
    await session.saveDelivery(event, { ...settled, state: 'done', reason: 'retried', since: session.now });
    await session.saveLane({ ...without(session.lane, row.event !== undefined), blockedBy: rootOf(event) });
    const { sagaid: sagaId, type, id } = originalOf(event);
    const { attempts, delayMs, error } = facts;
    return { type: 'choreography.retry-scheduled', consumer, sagaId, event: type, id, attempts, delayMs, error };
  }

  /** Tries again soon, at no cost of attempts, for as long as it may be held. */
  private async hold(
    session: InboxSession<Transaction>,
    event: CloudEvent,
    row: DeliveryRow,
    { holdForMs }: Reaction<Transaction>,
    error: NotYetError,
  ): Promise<ChoreographyEvent> {
    const heldSince = event.heldsince === undefined ? session.now : Date.parse(event.heldsince);
    if (session.now - heldSince >= holdForMs)
      return this.bury(session, event, row, { reason: 'not-yet', blocks: true, detail: error.message }, error);
    const delayMs = Math.min(holdEveryMs, heldSince + holdForMs - session.now);
    return this.retry(session, event, row, { attempts: event.retryattempt ?? 0, delayMs, error, heldSince });
  }

  /** The event is given up: it stays in the inbox for a person, and its copy goes to the dead letters. */
  private async bury(
    session: InboxSession<Transaction>,
    event: CloudEvent,
    row: DeliveryRow | undefined,
    facts: { readonly reason: string; readonly blocks: boolean; readonly detail: string },
    error?: unknown,
  ): Promise<ChoreographyEvent> {
    const { reason, blocks, detail } = facts;
    const { outbox, source: consumer } = this.consumer;
    const base = waitingRow(row, row?.ordinal ?? (await session.nextOrdinal()), session.now);
    const letter = deadLetterDraftOf(
      this.consumer,
      event,
      { reason, detail, deliveries: base.deliveries },
      session.now,
    );
    await outbox.add(session.transaction, [letter]);
    await session.saveDelivery(event, { ...base, state: 'dead', reason, detail, event });
    const lane = without(session.lane, row?.event !== undefined, rootOf(event));
    await session.saveLane(blocks ? { ...lane, blockedBy: rootOf(event) } : lane);
    const { sagaid: sagaId, type, id } = originalOf(event);
    return { type: 'choreography.dead-lettered', consumer, sagaId, event: type, id, reason, error };
  }

  /** A transaction on the saga's lane; what it tells is told when it has committed. */
  private async on<Value>(
    sagaId: string,
    work: (session: InboxSession<Transaction>, tell: (event: ChoreographyEvent) => void) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value> {
    const { inbox, observer, source: consumer } = this.consumer;
    let told: ChoreographyEvent[] = [];
    const value = await inbox.transaction(
      { consumer, sagaId },
      (session) => {
        told = [];
        return work(session, (event) => void told.push(event));
      },
      { signal },
    );
    for (const event of told) notify(observer, event);
    return value;
  }

  /** Tells what came of an event. */
  tell(event: CloudEvent, outcome: Outcome): void {
    const { observer, source: consumer } = this.consumer;
    const { sagaid: sagaId, type, id } = originalOf(event);
    notify(observer, { type: 'choreography.reacted', consumer, sagaId, event: type, id, outcome });
  }
}

function waitingRow(row: DeliveryRow | undefined, ordinal: number, now: number): Omit<DeliveryRow, 'state'> {
  return { deliveries: row?.deliveries ?? 0, crashes: row?.crashes ?? 0, ordinal, since: now };
}

/** The lane without an event that was in hand; one that only others wait for stays blocked. */
function without({ blockedBy, parked }: LaneRow, wasWaiting: boolean, root?: string): LaneRow {
  const left = wasWaiting ? parked - 1 : parked;
  const stays = root !== undefined && blockedBy !== undefined && blockedBy !== root;
  return stays ? { blockedBy, parked: left } : { parked: left };
}
