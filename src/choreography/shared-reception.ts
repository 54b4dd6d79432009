/**
 * Events of several sagas dealt with together, for the price of a transaction is that of many rows.
 *
 *   waiting ──► admitted together ──► run together, one after the other ──► done, one commit for all
 *                 │                     └─ one fails, or they take long ──► each in a transaction of its own
 *                 └─ begun by a process that died ──► from the start, alone, one at a time
 *
 * A shared run is a try: if anything goes wrong in it, all of it is rolled back and counts for nothing. One run is in flight
 * while the next events are admitted; with two, handlers that lock the same rows in different orders would meet.
 */
import { notify } from '../ports/notify.ts';
import type { CloudEvent } from './cloud-event.ts';
import type { ChoreographyEvent } from './choreography-events.ts';
import type { Inbox, InboxSession } from './inbox.ts';
import type { OutboxDraft } from './outbox.ts';
import type { Admitted, Consumer, Done, Reception } from './reception.ts';
import { ShareSize } from './share-size.ts';
import { Slots } from './slots.ts';

interface Entry extends Admitted {
  readonly event: CloudEvent;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Waiting = Omit<Entry, keyof Admitted>;

/** How much is done at the same time. */
export interface SharingBounds {
  /** Transactions at the same time that run one event each. */
  readonly concurrency: number;
  /** Events in one transaction. */
  readonly shared: number;
}

// Locks are held until the end, so a shared run begins no handler after this long.
const longestRunMs = 100;
// What is left of a run of fewer goes its own way: its handlers are slow, and may be slow side by side.
const fewestShared = 4;

/** Receives the events of one consumer, several in one transaction where that goes well. */
export class SharedReception<Transaction> {
  private readonly consumer: Consumer<Transaction>;
  private readonly reception: Reception<Transaction>;
  private readonly transactionOn: NonNullable<Inbox<Transaction>['transactionOn']>;
  private readonly slots: Slots;
  private readonly suspects: Slots = new Slots(1);
  private readonly size: ShareSize;
  private waiting: Waiting[] = [];
  private admitting = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    consumer: Consumer<Transaction>,
    reception: Reception<Transaction>,
    transactionOn: NonNullable<Inbox<Transaction>['transactionOn']>,
    { concurrency, shared }: SharingBounds,
  ) {
    this.consumer = consumer;
    this.reception = reception;
    this.transactionOn = transactionOn;
    this.slots = new Slots(concurrency);
    this.size = new ShareSize(shared);
  }

  /** As `Reception.receive`, at a time of its own choice. */
  receive(event: CloudEvent, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waiting.push({ event, signal, resolve, reject });
    if (!this.admitting) {
      this.admitting = true;
      // In a later turn, so that all that comes in this one goes together.
      this.consumer.clock.soon(() => void this.work());
    }
    return promise;
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      if (this.size.now === 1) await this.slots.room();
      const ready = await this.admit(this.take());
      await this.running;
      if (ready.length > 1 && this.size.now > 1) this.running = this.run(ready);
      else for (const entry of ready) this.goOn(entry);
    }
    this.admitting = false;
  }

  /** At most one event of each saga. */
  private take(): Waiting[] {
    const most = this.size.now === 1 ? this.slots.free : this.size.now;
    const taken = new Map<string, Waiting>();
    const left: Waiting[] = [];
    for (const entry of this.waiting) {
      const { sagaid } = entry.event;
      if (taken.size < most && !taken.has(sagaid)) taken.set(sagaid, entry);
      else left.push(entry);
    }
    this.waiting = left;
    return [...taken.values()];
  }

  /** Writes down what is to be done with each; gives those that are to be run. */
  private async admit(batch: readonly Waiting[]): Promise<Entry[]> {
    const told: ChoreographyEvent[] = [];
    const admit = async (session: InboxSession<Transaction>, { event }: Waiting): Promise<Admitted | undefined> => {
      if (await wasBegun(session, event)) return undefined;
      return this.reception.admit(session, event, false, (fact) => void told.push(fact));
    };
    let found: readonly (Admitted | undefined)[];
    try {
      found = await this.on(batch, [], (sessions) => inTurn(batch, (entry, n) => admit(at(sessions, n), entry)));
    } catch {
      // Whom it is up to, and why, comes out when each is dealt with by itself.
      for (const entry of batch) this.begin(entry, this.slots);
      return [];
    }
    for (const fact of told) notify(this.consumer.observer, fact);
    const ready: Entry[] = [];
    for (const [n, waiting] of batch.entries()) {
      const admitted = found[n];
      if (admitted === undefined) this.begin(waiting, this.suspects);
      else if (admitted.admission.admit === 'run') ready.push({ ...waiting, ...admitted });
      else this.goOn({ ...waiting, ...admitted });
    }
    return ready;
  }

  /** Runs events in one transaction, and those that it does not come to in others. */
  private async run(entries: readonly Entry[]): Promise<void> {
    const { outbox, onAdded } = this.consumer;
    let done: readonly Done[];
    try {
      const reactions = [...this.consumer.reactions.keys()];
      done = await this.on(entries, reactions, async (sessions) => {
        const drafts: OutboxDraft[] = [];
        const all = await this.runInTurn(entries, sessions, drafts);
        if (drafts.length > 0) await outbox.add(at(sessions, 0).transaction, drafts);
        return all;
      });
    } catch {
      this.size.failed();
      for (const entry of entries) this.goOn(entry);
      return;
    }
    this.size.ran(done.length, entries.length);
    onAdded();
    for (const [n, { outcome, othersWait }] of done.entries()) {
      const { event, signal, resolve, reject } = at(entries, n);
      this.reception.tell(event, outcome);
      if (othersWait) this.reception.drain(event.sagaid, signal).then(resolve, reject);
      else resolve();
    }
    const left = entries.slice(done.length);
    if (left.length > 1 && done.length >= fewestShared) await this.run(left);
    else for (const entry of left) this.goOn(entry);
  }

  private async runInTurn(
    entries: readonly Entry[],
    sessions: readonly InboxSession<Transaction>[],
    drafts: OutboxDraft[],
  ): Promise<readonly Done[]> {
    const { clock } = this.consumer;
    const outbox = {
      add: (_: Transaction, added: readonly OutboxDraft[]) => Promise.resolve(void drafts.push(...added)),
    };
    const endMs = clock.monotonicMs() + longestRunMs;
    const done: Done[] = [];
    for (const [n, { event, admission, signal }] of entries.entries()) {
      if (n > 0 && clock.monotonicMs() > endMs) break;
      const deliveries = admission.admit === 'run' ? admission.row.deliveries : 0;
      done.push(await this.reception.run(at(sessions, n), event, deliveries, signal, outbox));
    }
    return done;
  }

  /** From the start, by itself. */
  private begin({ event, signal, resolve, reject }: Waiting, slots: Slots): void {
    slots.run(() => this.reception.receive(event, signal)).then(resolve, reject);
  }

  /** From where it was admitted, by itself. */
  private goOn(entry: Entry): void {
    const { event, signal, resolve, reject } = entry;
    const work = async (): Promise<void> => {
      if (await this.reception.proceed(event, entry, signal)) await this.reception.drain(event.sagaid, signal);
      this.size.ranAlone();
    };
    this.slots.run(work).then(resolve, reject);
  }

  private on<Value>(
    entries: readonly Waiting[],
    reactions: readonly string[],
    work: (sessions: readonly InboxSession<Transaction>[]) => Promise<Value>,
  ): Promise<Value> {
    const { source: consumer } = this.consumer;
    const lanes = entries.map(({ event }) => ({ consumer, sagaId: event.sagaid, deliveries: [event], reactions }));
    return this.transactionOn(lanes, work);
  }
}

/** Whether a process has died with the event in hand, so that it may be what it died of: nobody else shall go with it. */
async function wasBegun<Transaction>(session: InboxSession<Transaction>, event: CloudEvent): Promise<boolean> {
  const row = await session.delivery(event);
  return row !== undefined && (row.state === 'running' || row.crashes > 0);
}

async function inTurn<Item, Value>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Value>,
): Promise<readonly Value[]> {
  const values: Value[] = [];
  for (const [index, item] of items.entries()) values.push(await work(item, index));
  return values;
}

function at<Item>(items: readonly Item[], index: number): Item {
  return items[index] as Item;
}
