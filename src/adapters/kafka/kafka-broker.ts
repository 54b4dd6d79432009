import {
  type Broker,
  type BrokerMessage,
  deadLetterOf,
  deadLetterTopic,
  type SubscribeOptions,
  type Subscription,
} from '../../choreography/broker.ts';
import { ChoreographyClosedError } from '../../choreography/choreography-errors.ts';
import type { ChoreographyEvent } from '../../choreography/choreography-events.ts';
import { DeliveryLanes } from '../../choreography/delivery-lanes.ts';
import { checkTopic, type ResolvedSubscription, resolveSubscription } from '../../choreography/subscription.ts';
import { type ConsumerSession, SupervisedSubscription } from '../../choreography/supervised-subscription.ts';
import type { Clock } from '../../ports/clock.ts';
import { notify } from '../../ports/notify.ts';
import type { Observer } from '../../ports/observer.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { hasKafkaCode, KafkaClients, type KafkaConnection } from './kafka-clients.ts';
import { KafkaPublisher } from './kafka-publisher.ts';
import { type KafkaPlace, KafkaSession } from './kafka-session.ts';

/** Options of {@link kafkaBroker}. */
export interface KafkaBrokerOptions extends KafkaConnection {
  /** How topics are made that are not there; `false`: they are made by somebody else. Default 8 partitions. */
  readonly createTopics?: { readonly partitions?: number; readonly replicas?: number } | false;
  /** How long the group waits for a consumer that says nothing before its partitions are another's. Default `'10s'`. */
  readonly sessionTimeout?: Duration;
  readonly observer?: Observer<ChoreographyEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

class KafkaBroker implements Broker {
  readonly name = 'kafka';
  private readonly clients: KafkaClients;
  private readonly publisher: KafkaPublisher;
  private readonly clock: Clock;
  private readonly observer: Observer<ChoreographyEvent> | undefined;
  private readonly createTopics: Exclude<KafkaBrokerOptions['createTopics'], undefined>;
  private readonly sessionTimeoutMs: number;
  private readonly topics = new Map<string, Promise<void>>();
  private readonly subscriptions = new Set<Subscription>();
  private closing: Promise<void> | undefined;

  constructor(options: KafkaBrokerOptions) {
    const { createTopics = {}, sessionTimeout = '10s', observer, clock = systemClock } = options;
    this.clients = new KafkaClients(options);
    this.publisher = new KafkaPublisher(() => this.clients.producer());
    this.createTopics = createTopics;
    this.sessionTimeoutMs = toMs(sessionTimeout, 'sessionTimeout');
    this.observer = observer;
    this.clock = clock;
  }

  async publish(messages: readonly BrokerMessage[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.guard();
    signal?.throwIfAborted();
    await Promise.all([...new Set(messages.map(({ topic }) => checkTopic(topic)))].map((topic) => this.ensure(topic)));
    await this.publisher.publish(messages);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.guard();
    const resolved = resolveSubscription(options);
    const { topic, group, stallAfterMs } = resolved;
    await this.ensure(topic);
    const { clock, observer } = this;
    const connect = (): Promise<ConsumerSession> => this.connect(resolved);
    const subscription = new SupervisedSubscription({ connect, stallAfterMs, clock, observer, topic, group });
    this.subscriptions.add(subscription);
    return subscription.start();
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
      await this.publisher.close();
    })();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private connect(resolved: ResolvedSubscription): Promise<ConsumerSession> {
    const { topic, group } = resolved;
    const { clock, observer } = this;
    const consumer = this.clients.consumer(`${group}.${topic}`, this.sessionTimeoutMs);
    const lanes: DeliveryLanes<KafkaPlace> = new DeliveryLanes<KafkaPlace>({
      ...resolved,
      clock,
      settle: (place) => session.settle(place),
      bury: async (held, reason) => {
        await this.ensure(deadLetterTopic(topic));
        await this.publisher.publish([deadLetterOf(held, reason, group, clock.now())]);
      },
      fault: (error, { id }) => notify(observer, { type: 'choreography.delivery-failed', topic, group, id, error }),
    });
    const session: KafkaSession = new KafkaSession({ topic, consumer, lanes, clock });
    return session.start();
  }

  /** Makes a topic that is not there, once a broker. */
  private ensure(topic: string): Promise<void> {
    if (this.createTopics === false) return Promise.resolve();
    const known = this.topics.get(topic) ?? this.create(topic, this.createTopics);
    this.topics.set(topic, known);
    known.catch(() => this.topics.delete(topic));
    return known;
  }

  private async create(
    topic: string,
    { partitions = 8, replicas = -1 }: { readonly partitions?: number; readonly replicas?: number },
  ): Promise<void> {
    const admin = this.clients.admin();
    try {
      await admin.createTopics({ topics: [topic], partitions, replicas });
    } catch (error) {
      if (!hasKafkaCode(error, ['TOPIC_ALREADY_EXISTS'])) throw error;
    } finally {
      await admin.close();
    }
  }

  private guard(): void {
    if (this.closing !== undefined) throw new ChoreographyClosedError('the broker');
  }
}

/**
 * A broker on Kafka 4 or a service that speaks its protocol. A topic of ours is a topic, a key a record's key; a group of
 * ours on one topic is the consumer group `group.topic`. Records are acknowledged by every in-sync replica; what that is
 * worth is up to the topic's `min.insync.replicas`.
 *
 * @param options.kafka the module `@platformatic/kafka`.
 * @param options.bootstrapBrokers some of the cluster's brokers, `host:port`.
 * @param options.createTopics how topics are made that are not there. Default 8 partitions, replicas as the cluster says.
 * @throws {TypeError | RangeError} for options that are missing or out of range.
 * @example
 * ```ts no-run
 * import * as kafka from '@platformatic/kafka';
 * await using broker = kafkaBroker({ kafka, bootstrapBrokers: ['127.0.0.1:9092'] });
 * ```
 */
export function kafkaBroker(options: KafkaBrokerOptions): Broker {
  return new KafkaBroker(options);
}
