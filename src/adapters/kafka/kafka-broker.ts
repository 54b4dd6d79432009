import type { Broker, BrokerMessage } from '../../choreography/broker.ts';
import { type BrokerDriver, BrokerShell, type LanesMaker } from '../../choreography/broker-shell.ts';
import type { ChoreographyEvent } from '../../choreography/choreography-events.ts';
import type { DeliveryLanes } from '../../choreography/delivery-lanes.ts';
import type { ResolvedSubscription } from '../../choreography/subscription.ts';
import type { ConsumerSession } from '../../choreography/supervised-subscription.ts';
import type { Clock } from '../../ports/clock.ts';
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

class KafkaDriver implements BrokerDriver<KafkaPlace> {
  readonly name = 'kafka';
  private readonly clients: KafkaClients;
  private readonly publisher: KafkaPublisher;
  private readonly clock: Clock;
  private readonly createTopics: Exclude<KafkaBrokerOptions['createTopics'], undefined>;
  private readonly sessionTimeoutMs: number;

  constructor(options: KafkaBrokerOptions, clock: Clock) {
    const { createTopics = {}, sessionTimeout = '10s' } = options;
    this.clients = new KafkaClients(options);
    this.publisher = new KafkaPublisher(() => this.clients.producer());
    this.createTopics = createTopics;
    this.sessionTimeoutMs = toMs(sessionTimeout, 'sessionTimeout');
    this.clock = clock;
  }

  async ensure(topic: string): Promise<void> {
    if (this.createTopics === false) return;
    const { partitions = 8, replicas = -1 } = this.createTopics;
    const admin = this.clients.admin();
    try {
      await admin.createTopics({ topics: [topic], partitions, replicas });
    } catch (error) {
      if (!hasKafkaCode(error, ['TOPIC_ALREADY_EXISTS'])) throw error;
    } finally {
      await admin.close();
    }
  }

  send(messages: readonly BrokerMessage[]): Promise<void> {
    return this.publisher.publish(messages);
  }

  connect({ topic, group }: ResolvedSubscription, lanesOf: LanesMaker<KafkaPlace>): Promise<ConsumerSession> {
    const consumer = this.clients.consumer(`${group}.${topic}`, this.sessionTimeoutMs);
    const lanes: DeliveryLanes<KafkaPlace> = lanesOf((place) => session.settle(place));
    const session: KafkaSession = new KafkaSession({ topic, consumer, lanes, clock: this.clock });
    return session.start();
  }

  release(): Promise<void> {
    return this.publisher.close();
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
  const { clock = systemClock, observer } = options;
  return new BrokerShell(new KafkaDriver(options, clock), clock, observer);
}
