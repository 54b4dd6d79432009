import type { Admin, Consumer, Producer } from '@platformatic/kafka';
import type { Clock } from '../../ports/clock.ts';
import { uniqueId } from '../../ports/random.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { openLogSagaFirstStore } from '../../saga-first/log-saga-first-store.ts';
import { sagaFirstRetention, type SagaFirstStore } from '../../saga-first/saga-first-store.ts';
import type { SharedLog, SharedLogEntry } from '../../saga-first/shared-log.ts';
import { UnsafeLogError } from '../../saga-first/unsafe-log-error.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { hasKafkaCode, KafkaClients, type KafkaConnection } from './kafka-clients.ts';

/** Options of {@link openKafkaSagaFirstStore}. */
export interface KafkaSagaFirstStoreOptions extends KafkaConnection {
  /** Default `'sfr-compensations'`. */
  readonly topic?: string;
  /** How the topic is made when it is not there. Default 8 partitions, 3 replicas of which 2 must be in sync. */
  readonly create?: { readonly partitions?: number; readonly replicas?: number };
  /**
   * Accepts a topic with one replica, for a cluster of one node on a developer's machine. The loss of its disk is then the
   * loss of the compensations. Default `false`.
   */
  readonly allowSingleReplica?: boolean;
  /** How long closed steps are remembered. Default `'30d'`. */
  readonly retention?: Duration;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

// ConfigResourceTypes.TOPIC of the protocol.
const topicResource = 2;

/** What a topic must be so that what it has acknowledged is there for good, and in one order (semantics, rule R7). */
function findingsOf(configs: ReadonlyMap<string, string>, replicas: number, allowSingleReplica: boolean): string[] {
  const inSync = Number(configs.get('min.insync.replicas'));
  const wanted: readonly (readonly [holds: boolean, setting: string, must: string])[] = [
    [configs.get('cleanup.policy') === 'compact', 'cleanup.policy', 'must be "compact", or records go by age'],
    [
      configs.get('message.timestamp.type') === 'LogAppendTime',
      'message.timestamp.type',
      'must be "LogAppendTime", or producers’ clocks decide',
    ],
    [configs.get('unclean.leader.election.enable') === 'false', 'unclean.leader.election.enable', 'must be "false"'],
    [inSync >= 2 || allowSingleReplica, 'min.insync.replicas', 'must be 2 or more'],
  ];
  const findings = wanted
    .filter(([holds]) => !holds)
    .map(([, name, must]) => `${name} is "${configs.get(name) ?? ''}", ${must}`);
  if (replicas < 2 && !allowSingleReplica) findings.push(`it has ${replicas} replica, must have 2 or more`);
  return findings;
}

class KafkaSharedLog implements SharedLog {
  readonly lanes: number;
  private readonly clients: KafkaClients;
  private readonly topic: string;
  private producer: Producer<string, string, string, string> | undefined;
  private consumer: Consumer<string, string, string, string> | undefined;
  private sending: Promise<unknown> = Promise.resolve();

  constructor(clients: KafkaClients, topic: string, lanes: number) {
    this.clients = clients;
    this.topic = topic;
    this.lanes = lanes;
  }

  append(lane: number, key: string, value: string): Promise<void> {
    return this.send([{ topic: this.topic, partition: lane, key, value }]);
  }

  forget(lane: number, keys: readonly string[]): Promise<void> {
    // A record without a value is the tombstone by which compaction drops its key.
    return this.send(keys.map((key) => ({ topic: this.topic, partition: lane, key, value: tombstone })));
  }

  async follow(onEntry: (entry: SharedLogEntry) => void, onFault: (error: unknown) => void): Promise<void> {
    await this.consumer?.close(true).catch(() => undefined);
    // A group of its own, which commits nothing: every process reads everything.
    const consumer = this.clients.consumer(`makegood-sfr-${uniqueId()}`, 10_000);
    this.consumer = consumer;
    const stream = await consumer.consume({
      topics: [this.topic],
      mode: 'earliest',
      maxWaitTime: 500,
      autocommit: false,
    });
    const fault = (error: unknown): void => {
      if (this.consumer !== consumer) return;
      this.consumer = undefined;
      consumer.close(true).catch(() => undefined);
      onFault(error);
    };
    stream.on('error', fault);
    stream.on('close', () => fault(new Error('the stream of records has ended')));
    stream.on('data', ({ key, value, timestamp }) => {
      if (value !== '') onEntry({ key, value, at: Number(timestamp) });
    });
  }

  async close(): Promise<void> {
    const { consumer, producer } = this;
    this.consumer = undefined;
    await this.sending.catch(() => undefined);
    await consumer?.close(true);
    await producer?.close();
  }

  /** One request in flight: a producer's numbers must come in their order. */
  private send(messages: { topic: string; partition: number; key: string; value: string }[]): Promise<void> {
    const sent = this.sending.then(async () => {
      this.producer ??= this.clients.producer();
      try {
        await this.producer.send({ messages, acks: -1 });
      } catch (error) {
        this.producer.close(true).catch(() => undefined);
        this.producer = undefined;
        throw error;
      }
    });
    this.sending = sent.catch(() => undefined);
    return sent;
  }
}

// The serializers of our clients make nothing of it, and nothing is what a tombstone is.
const tombstone = null as unknown as string;

/** Makes the topic when it is not there, looks at what it is, and tells its number of partitions. */
async function inspect(admin: Admin, topic: string, options: KafkaSagaFirstStoreOptions): Promise<number> {
  const { create = {}, allowSingleReplica = false } = options;
  const { partitions = 8, replicas = allowSingleReplica ? 1 : 3 } = create;
  const configs = Object.entries({
    'cleanup.policy': 'compact',
    'message.timestamp.type': 'LogAppendTime',
    'unclean.leader.election.enable': 'false',
    'min.insync.replicas': allowSingleReplica ? '1' : '2',
  }).map(([name, value]) => ({ name, value }));
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas, configs });
  } catch (error) {
    if (!hasKafkaCode(error, ['TOPIC_ALREADY_EXISTS'])) throw error;
  }
  const described = await admin.describeConfigs({ resources: [{ resourceType: topicResource, resourceName: topic }] });
  const found = new Map(described[0]?.configs.map(({ name, value }) => [name, value ?? '']));
  const metadata = (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic);
  const findings = findingsOf(found, metadata?.partitions[0]?.replicas.length ?? 0, allowSingleReplica);
  if (findings.length > 0) throw new UnsafeLogError(`Kafka topic "${topic}"`, findings);
  return metadata?.partitionsCount ?? 0;
}

/**
 * Opens the store of saga-first steps on a compacted Kafka topic, for any number of processes; makes the topic when it is
 * not there. Of several records of one number the one with the lowest offset holds, and a writer learns whether it has won
 * by reading its own record back. Time is the brokers' (`LogAppendTime`).
 *
 * @param options.topic Default `'sfr-compensations'`.
 * @returns a store that has read the whole topic; its steps are in memory.
 * @throws {UnsafeLogError} when the topic would lose what it has acknowledged.
 * @throws {TypeError | RangeError} for options that are missing or out of range.
 * @example
 * ```ts no-run
 * import * as kafka from '@platformatic/kafka';
 * await using store = await openKafkaSagaFirstStore({ kafka, bootstrapBrokers: ['127.0.0.1:9092'] });
 * ```
 */
export async function openKafkaSagaFirstStore(options: KafkaSagaFirstStoreOptions): Promise<SagaFirstStore> {
  const { topic = 'sfr-compensations', retention = sagaFirstRetention, timeout = '10s', clock = systemClock } = options;
  const clients = new KafkaClients(options);
  const retentionMs = toMs(retention, 'retention', { allowInfinity: true });
  const admin = clients.admin();
  let lanes: number;
  try {
    lanes = await inspect(admin, topic, options);
  } finally {
    await admin.close();
  }
  const log = new KafkaSharedLog(clients, topic, lanes);
  try {
    return await openLogSagaFirstStore({ log, clock, timeoutMs: toMs(timeout, 'timeout'), retentionMs });
  } catch (error) {
    await log.close();
    throw error;
  }
}
