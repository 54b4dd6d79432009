import { isMakegoodError } from '../errors.ts';
import { InProgressError } from '../idempotency/idempotency-errors.ts';
import { notify } from '../ports/notify.ts';
import { sleepMs } from '../time/sleep.ts';
import type { Broker, Delivery, SubscribeOptions, Subscription, Verdict } from './broker.ts';
import { ChoreographyClosedError } from './choreography-errors.ts';
import { type CloudEvent, decodeEvent } from './cloud-event.ts';
import { rootOf } from './decide-admission.ts';
import { draftOf } from './drafts.ts';
import type { DeliveryKey, WaitingDelivery, WaitingFilter } from './inbox.ts';
import type { EmitOptions } from './reaction.ts';
import { type Consumer, Reception } from './reception.ts';
import { openRelay, type Relay } from './relay.ts';
import { SharedReception } from './shared-reception.ts';

/** An event to emit from outside of any reaction: one that begins a saga. */
export interface Emission<Transaction> extends EmitOptions {
  readonly type: string;
  readonly sagaId: string;
  readonly data: unknown;
  /** The transaction that it belongs to. Default one of its own. */
  readonly transaction?: Transaction;
}

/** A reactor at work, made by `reactor(…).open()`. */
export interface OpenReactor<Transaction> {
  readonly state: Subscription['state'];
  /** How often its consumer was built anew. */
  readonly restarts: number;
  /** Emits an event; durable when it resolves, or when your transaction has committed. */
  emit(emission: Emission<Transaction>): Promise<void>;
  /** Events that wait in the inbox: `dead` ones for a person, `parked` ones for another event or another version. */
  waiting(filter: WaitingFilter): Promise<readonly WaitingDelivery[]>;
  /** Tries a dead letter again, under its own id and with all its attempts; what waited behind it follows. `false` when it is none. */
  redrive(letter: Pick<WaitingDelivery, 'sagaId' | 'source' | 'id'>): Promise<boolean>;
  /** Gives a dead letter up for good; what waited behind it goes on. `false` when it is none. */
  discard(letter: Pick<WaitingDelivery, 'sagaId' | 'source' | 'id'>): Promise<boolean>;
  /** Takes no more; resolves when what is in hand is dealt with. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a reactor is opened with, beside what it consumes. */
export interface RunningOptions {
  readonly broker: Broker;
  readonly pollEveryMs: number;
  readonly concurrency: number;
  /** How many events may share a transaction. */
  readonly shared: number;
  readonly subscription: Pick<SubscribeOptions, 'window' | 'stallAfter'>;
}

const lanesAtATime = 100;
const done: Verdict = Object.freeze({ verdict: 'done' });

/** The shell of a reactor: feeds its reception from the broker, the inbox and a person. */
export class RunningReactor<Transaction> implements OpenReactor<Transaction> {
  private readonly consumer: Consumer<Transaction>;
  private readonly reception: Reception<Transaction>;
  /** Who deals with what comes from the broker. */
  private readonly receiver: Pick<Reception<Transaction>, 'receive'>;
  private readonly broker: Broker;
  private readonly pollEveryMs: number;
  private readonly subscribe: Pick<SubscribeOptions, 'concurrency' | 'window' | 'stallAfter'>;
  private readonly closing = new AbortController();
  private readonly relay: Relay;
  private subscription: Subscription | undefined;
  private sweeping: Promise<void> | undefined;
  private closed: Promise<void> | undefined;

  constructor(consumer: Omit<Consumer<Transaction>, 'onAdded'>, options: RunningOptions) {
    const { clock, observer, outbox, inbox } = consumer;
    const { broker, pollEveryMs, concurrency, shared, subscription } = options;
    this.broker = broker;
    this.pollEveryMs = pollEveryMs;
    this.relay = openRelay({ outbox, broker, pollEvery: pollEveryMs, clock, observer });
    this.consumer = { ...consumer, onAdded: () => this.relay.wake() };
    this.reception = new Reception(this.consumer);
    const transactionOn = shared > 1 ? inbox.transactionOn?.bind(inbox) : undefined;
    this.receiver =
      transactionOn === undefined
        ? this.reception
        : new SharedReception(this.consumer, this.reception, transactionOn, { concurrency, shared });
    // Enough in hand for one transaction that runs and one that is being admitted.
    const inHand = transactionOn === undefined ? concurrency : Math.max(concurrency, 2 * shared);
    this.subscribe = { ...subscription, concurrency: inHand };
  }

  /** Subscribes, and begins to look for what waits. */
  async start(): Promise<this> {
    const { topic, source: group } = this.consumer;
    try {
      await this.releaseSupported();
      const handle = (delivery: Delivery): Promise<Verdict> => this.handle(delivery);
      this.subscription = await this.broker.subscribe({ ...this.subscribe, topic, group, handle });
    } catch (error) {
      await this.relay.close();
      throw error;
    }
    this.sweeping = this.sweep();
    return this;
  }

  get state(): Subscription['state'] {
    return this.subscription?.state ?? 'reconnecting';
  }

  get restarts(): number {
    return this.subscription?.restarts ?? 0;
  }

  async emit({ transaction, type, sagaId, data, ...options }: Emission<Transaction>): Promise<void> {
    this.guard();
    const { outbox, inbox, clock, source: consumer } = this.consumer;
    const add = (into: Transaction, now: number): Promise<void> =>
      outbox.add(into, [draftOf(this.consumer, now, { type, sagaId, data, options })]);
    if (transaction !== undefined) await add(transaction, clock.now());
    else await inbox.transaction({ consumer, sagaId }, (session) => add(session.transaction, session.now));
    this.relay.wake();
  }

  waiting(filter: WaitingFilter): Promise<readonly WaitingDelivery[]> {
    return this.consumer.inbox.waiting(this.consumer.source, filter);
  }

  async redrive(letter: Pick<WaitingDelivery, 'sagaId' | 'source' | 'id'>): Promise<boolean> {
    const isBack = await this.settleDead(letter, true);
    if (isBack) await this.drain(letter.sagaId);
    return isBack;
  }

  async discard(letter: Pick<WaitingDelivery, 'sagaId' | 'source' | 'id'>): Promise<boolean> {
    const isGone = await this.settleDead(letter, false);
    if (isGone) await this.drain(letter.sagaId);
    return isGone;
  }

  close(): Promise<void> {
    this.closed ??= this.stop();
    return this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async stop(): Promise<void> {
    await this.subscription?.close();
    this.closing.abort();
    await this.sweeping;
    await this.relay.close();
  }

  private async handle({ message, signal }: Delivery): Promise<Verdict> {
    let event: CloudEvent;
    try {
      event = decodeEvent(message.value);
    } catch (error) {
      if (!isMakegoodError(error)) throw error;
      return { verdict: 'dead', reason: 'malformed', detail: error.message };
    }
    if (!this.reception.concerns(event)) return done;
    try {
      await this.receiver.receive(event, signal);
      return done;
    } catch (error) {
      if (error instanceof InProgressError) return { verdict: 'again', afterMs: error.retryAfterMs };
      throw error;
    }
  }

  /** Moves sagas whose lane is open and has events waiting: someone died before they had their turn. */
  private async sweep(): Promise<void> {
    const { inbox, source, clock, topic, observer } = this.consumer;
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        for (const sagaId of await inbox.waitingLanes(source, lanesAtATime)) await this.drain(sagaId);
      } catch (error) {
        notify(observer, { type: 'choreography.delivery-failed', topic, group: source, id: '', error });
      }
      await sleepMs(this.pollEveryMs, clock, signal).catch(() => undefined);
    }
  }

  private async drain(sagaId: string): Promise<void> {
    try {
      await this.reception.drain(sagaId, this.closing.signal);
    } catch (error) {
      // Its lane is taken, so somebody is moving it.
      if (!(error instanceof InProgressError)) throw error;
    }
  }

  /** Opens the lanes of events that had waited for a version that is understood now. */
  private async releaseSupported(): Promise<void> {
    const { inbox, reactions, source: consumer } = this.consumer;
    const waiting = await inbox.waiting(consumer, { state: 'parked', reason: 'unsupported-version', limit: 1000 });
    for (const { sagaId, source, id, row } of waiting) {
      const { type, dataversion = '1' } = row.event;
      if (reactions.get(type)?.versions.has(dataversion) !== true) continue;
      await inbox.transaction({ consumer, sagaId }, async (session) => {
        const { blockedBy, ...lane } = session.lane;
        if (blockedBy === rootOf(row.event)) await session.saveLane(lane);
        else if (blockedBy !== undefined) await session.saveDelivery({ source, id }, { ...row, reason: 'behind' });
      });
    }
  }

  /** Puts a dead letter back to its place in the lane, or takes it out; either way the lane is open again. */
  private settleDead(
    { sagaId, source, id }: DeliveryKey & { readonly sagaId: string },
    again: boolean,
  ): Promise<boolean> {
    this.guard();
    const { inbox, source: consumer } = this.consumer;
    return inbox.transaction({ consumer, sagaId }, async (session) => {
      const row = await session.delivery({ source, id });
      if (row?.state !== 'dead' || row.event === undefined) return false;
      const { event, ...settled } = row;
      const since = session.now;
      const fresh = { ...settled, deliveries: 0, crashes: 0, since };
      if (again) await session.saveDelivery({ source, id }, { ...fresh, state: 'parked', reason: 'redriven', event });
      else await session.saveDelivery({ source, id }, { ...settled, state: 'done', since });
      const { blockedBy, parked } = session.lane;
      const stays = blockedBy !== undefined && blockedBy !== rootOf(event);
      await session.saveLane({ parked: again ? parked + 1 : parked, ...(stays && { blockedBy }) });
      return true;
    });
  }

  private guard(): void {
    if (this.closed !== undefined) throw new ChoreographyClosedError(`reactor "${this.consumer.source}"`);
  }
}
