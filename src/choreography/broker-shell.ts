import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import {
  type Broker,
  type BrokerMessage,
  deadLetterOf,
  deadLetterTopic,
  type SubscribeOptions,
  type Subscription,
} from './broker.ts';
import { ChoreographyClosedError } from './choreography-errors.ts';
import type { ChoreographyEvent } from './choreography-events.ts';
import { DeliveryLanes } from './delivery-lanes.ts';
import { checkTopic, type ResolvedSubscription, resolveSubscription } from './subscription.ts';
import { type ConsumerSession, SupervisedSubscription } from './supervised-subscription.ts';

/** What is different from broker to broker. */
export interface BrokerDriver<Place> {
  readonly name: string;
  /** Makes a topic that is not there. */
  ensure(topic: string): Promise<void>;
  /** Resolves when the messages are durable, in their order. */
  send(messages: readonly BrokerMessage[]): Promise<void>;
  /** Joins a group and begins to take. */
  connect(subscription: ResolvedSubscription, lanes: LanesMaker<Place>): Promise<ConsumerSession>;
  /** Lets go of what it holds, when nobody uses it any more. */
  release(): Promise<void>;
}

/** Makes the lanes of one session, which acknowledges what they settle. */
export type LanesMaker<Place> = (settle: (place: Place) => void) => DeliveryLanes<Place>;

/** What all brokers have in common: checks, one life, and consumers that are watched over. */
export class BrokerShell<Place> implements Broker {
  private readonly driver: BrokerDriver<Place>;
  private readonly clock: Clock;
  private readonly observer: Observer<ChoreographyEvent> | undefined;
  private readonly topics = new Map<string, Promise<void>>();
  private readonly subscriptions = new Set<Subscription>();
  private closing: Promise<void> | undefined;

  constructor(driver: BrokerDriver<Place>, clock: Clock, observer: Observer<ChoreographyEvent> | undefined) {
    this.driver = driver;
    this.clock = clock;
    this.observer = observer;
  }

  get name(): string {
    return this.driver.name;
  }

  async publish(messages: readonly BrokerMessage[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.guard();
    signal?.throwIfAborted();
    await Promise.all([...new Set(messages.map(({ topic }) => checkTopic(topic)))].map((topic) => this.ensure(topic)));
    await this.driver.send(messages);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.guard();
    const resolved = resolveSubscription(options);
    const { topic, group, stallAfterMs } = resolved;
    await this.ensure(topic);
    const { clock, observer, driver } = this;
    const connect = (): Promise<ConsumerSession> =>
      driver.connect(resolved, (settle) => this.lanesOf(resolved, settle));
    const subscription = new SupervisedSubscription({ connect, stallAfterMs, clock, observer, topic, group });
    await subscription.start();
    this.subscriptions.add(subscription);
    return subscription;
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
      await this.driver.release();
    })();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private lanesOf(resolved: ResolvedSubscription, settle: (place: Place) => void): DeliveryLanes<Place> {
    const { topic, group } = resolved;
    const { clock, observer, driver } = this;
    return new DeliveryLanes<Place>({
      ...resolved,
      clock,
      settle,
      bury: async (held, reason) => {
        await this.ensure(deadLetterTopic(topic));
        await driver.send([deadLetterOf(held, reason, group, clock.now())]);
      },
      fault: (error, { id }) => notify(observer, { type: 'choreography.delivery-failed', topic, group, id, error }),
    });
  }

  /** Once a topic, however often it is used; again after it has failed. */
  private ensure(topic: string): Promise<void> {
    const known = this.topics.get(topic);
    if (known !== undefined) return known;
    const made = this.driver.ensure(topic);
    this.topics.set(topic, made);
    made.catch(() => this.topics.delete(topic));
    return made;
  }

  private guard(): void {
    if (this.closing !== undefined) throw new ChoreographyClosedError('the broker');
  }
}
