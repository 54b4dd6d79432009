import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Broker, type BrokerMessage, deadLetterOf, type SubscribeOptions, type Subscription } from './broker.ts';
import { ChoreographyClosedError } from './choreography-errors.ts';
import type { ChoreographyEvent } from './choreography-events.ts';
import { DeliveryLanes } from './delivery-lanes.ts';
import { checkTopic, resolveSubscription } from './subscription.ts';

/** A message in a topic, as one group sees it. */
interface Entry {
  readonly message: BrokerMessage;
  deliveries: number;
  settled: boolean;
}

interface Member {
  readonly lanes: DeliveryLanes<Entry>;
}

/** The consumers of one group on one topic: who has which key, and what nobody has taken yet. */
class MemoryGroup {
  private waiting: Entry[] = [];
  private readonly members = new Set<Member>();
  /** A key stays with its member as long as that one has messages of it. */
  private readonly holders = new Map<string, { readonly member: Member; readonly entries: Set<Entry> }>();

  add(message: BrokerMessage): void {
    this.waiting.push({ message, deliveries: 0, settled: false });
    this.pump();
  }

  join(member: Member): void {
    this.members.add(member);
    this.pump();
  }

  leave(member: Member): void {
    this.members.delete(member);
    const back: Entry[] = [];
    for (const [key, holder] of this.holders) {
      if (holder.member !== member) continue;
      this.holders.delete(key);
      back.push(...[...holder.entries].filter((entry) => !entry.settled));
    }
    this.waiting = [...back, ...this.waiting];
    this.pump();
  }

  settle(entry: Entry): void {
    entry.settled = true;
    const { key } = entry.message;
    const holder = this.holders.get(key);
    holder?.entries.delete(entry);
    if (holder?.entries.size === 0) this.holders.delete(key);
    this.pump();
  }

  /** Hands out what waits, in its order, as long as somebody has room: what lies behind is not looked at. */
  private pump(): void {
    const blocked = new Set<string>();
    const passed: Entry[] = [];
    let looked = 0;
    while (looked < this.waiting.length && this.hasRoom()) {
      const entry = this.waiting[looked++] as Entry;
      const { key } = entry.message;
      const member = blocked.has(key) ? undefined : this.memberFor(key);
      if (member === undefined) {
        blocked.add(key);
        passed.push(entry);
      } else this.hand(entry, member);
    }
    if (looked > passed.length) this.waiting.splice(0, looked, ...passed);
  }

  private hasRoom(): boolean {
    for (const { lanes } of this.members) if (lanes.hasRoom) return true;
    return false;
  }

  private memberFor(key: string): Member | undefined {
    const holder = this.holders.get(key);
    if (holder !== undefined) return holder.member.lanes.hasRoom ? holder.member : undefined;
    let least: Member | undefined;
    for (const member of this.members)
      if (member.lanes.hasRoom && member.lanes.taken < (least?.lanes.taken ?? Infinity)) least = member;
    return least;
  }

  private hand(entry: Entry, member: Member): void {
    const { key } = entry.message;
    const holder = this.holders.get(key) ?? { member, entries: new Set() };
    this.holders.set(key, holder);
    holder.entries.add(entry);
    member.lanes.offer(entry.message, entry, ++entry.deliveries);
  }
}

class MemorySubscription implements Subscription {
  readonly restarts: number = 0;
  private readonly stop: () => Promise<void>;
  private stopped: Promise<void> | undefined;

  constructor(stop: () => Promise<void>) {
    this.stop = stop;
  }

  get state(): Subscription['state'] {
    return this.stopped === undefined ? 'consuming' : 'closed';
  }

  close(): Promise<void> {
    this.stopped ??= this.stop();
    return this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Options of {@link memoryBroker}. */
export interface MemoryBrokerOptions {
  /** How many messages a topic keeps for groups that are yet to come. Default 10,000. */
  readonly keep?: number;
  readonly observer?: Observer<ChoreographyEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

class MemoryBroker implements Broker {
  readonly name = 'memory';
  private readonly keep: number;
  private readonly clock: Clock;
  private readonly observer: Observer<ChoreographyEvent> | undefined;
  private readonly topics = new Map<
    string,
    { readonly kept: BrokerMessage[]; readonly groups: Map<string, MemoryGroup> }
  >();
  private readonly subscriptions = new Set<Subscription>();
  private closed = false;

  constructor({ keep = 10_000, observer, clock = systemClock }: MemoryBrokerOptions) {
    if (!Number.isSafeInteger(keep) || keep < 0)
      throw new RangeError(`Expected keep to be an integer ≥ 0, got ${keep}`);
    this.keep = keep;
    this.clock = clock;
    this.observer = observer;
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async publish(messages: readonly BrokerMessage[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.guard();
    signal?.throwIfAborted();
    for (const message of messages) checkTopic(message.topic);
    for (const message of messages) {
      const { kept, groups } = this.topic(message.topic);
      kept.push(message);
      if (kept.length > this.keep) kept.shift();
      for (const group of groups.values()) group.add(message);
    }
  }

  // oxlint-disable-next-line typescript/require-await -- as above
  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.guard();
    const resolved = resolveSubscription(options);
    const { group, topic } = resolved;
    const members = this.group(topic, group);
    const lanes = new DeliveryLanes<Entry>({
      ...resolved,
      clock: this.clock,
      settle: (entry) => members.settle(entry),
      bury: (held, reason) => this.publish([deadLetterOf(held, reason, group, this.clock.now())]),
      fault: (error, { id }) =>
        notify(this.observer, { type: 'choreography.delivery-failed', topic, group, id, error }),
    });
    const member: Member = { lanes };
    const subscription = new MemorySubscription(async () => {
      await lanes.stop();
      members.leave(member);
      this.subscriptions.delete(subscription);
    });
    this.subscriptions.add(subscription);
    members.join(member);
    return subscription;
  }

  async close(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    this.closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private topic(name: string): { readonly kept: BrokerMessage[]; readonly groups: Map<string, MemoryGroup> } {
    const topic = this.topics.get(name) ?? { kept: [], groups: new Map<string, MemoryGroup>() };
    this.topics.set(name, topic);
    return topic;
  }

  private group(topicName: string, name: string): MemoryGroup {
    const { kept, groups } = this.topic(topicName);
    const known = groups.get(name);
    if (known !== undefined) return known;
    const group = new MemoryGroup();
    groups.set(name, group);
    for (const message of kept) group.add(message);
    return group;
  }

  private guard(): void {
    if (this.closed) throw new ChoreographyClosedError('the broker');
  }
}

/**
 * A broker in memory: for tests, and for services that live in one process. It keeps the contract of {@link Broker}
 * except that nothing survives the process.
 *
 * @param options.keep how many messages a topic keeps for groups that are yet to come. Default 10,000.
 * @throws {RangeError} when `keep` is no integer ≥ 0.
 * @example
 * const broker = memoryBroker();
 * await broker.publish([{ topic: 'orders', key: 'order-7', id: '1', value: '{}' }]);
 * const seen = await new Promise((resolve) => void broker.subscribe({
 *   topic: 'orders', group: 'stock', handle: async ({ message }) => (resolve(message.id), { verdict: 'done' }),
 * }));
 * seen // => '1'
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): Broker {
  return new MemoryBroker(options);
}
