/**
 * One member of a consumer group. Messages go into lanes as they come; of each partition the prefix that is settled is
 * committed. What a member has in hand of a partition that it has lost is not committed by it any more (kafkajs#1046).
 */
import type { Consumer, MessagesStream } from '@platformatic/kafka';
import type { BrokerMessage } from '../../choreography/broker.ts';
import type { DeliveryLanes } from '../../choreography/delivery-lanes.ts';
import { OffsetPrefix } from '../../choreography/offset-prefix.ts';
import type { ConsumerSession } from '../../choreography/supervised-subscription.ts';
import type { Clock } from '../../ports/clock.ts';
import { hasKafkaCode, type KafkaMessage } from './kafka-clients.ts';
import { idHeader } from './kafka-publisher.ts';

interface Reached {
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

/** A partition as long as this member has it. */
interface Held {
  readonly partition: number;
  readonly prefix: OffsetPrefix<Reached>;
  lastTaken: bigint;
  isLost: boolean;
}

/** What a message is settled by. */
export interface KafkaPlace {
  readonly held: Held;
  readonly settle: () => Reached | undefined;
}

type TextStream = MessagesStream<string, string, string, string>;

/** What a session is made of. */
export interface KafkaSessionParts {
  readonly topic: string;
  readonly consumer: Consumer<string, string, string, string>;
  readonly lanes: DeliveryLanes<KafkaPlace>;
  readonly clock: Clock;
}

/** A consumer of one topic, from joining its group to leaving it. */
export class KafkaSession implements ConsumerSession {
  private readonly parts: KafkaSessionParts;
  private readonly held = new Map<number, Held>();
  /** What is to be committed, by partition. */
  private readonly settled = new Map<number, Reached & { readonly held: Held }>();
  private readonly ending = Promise.withResolvers<void>();
  private stream: TextStream | undefined;
  private committing: Promise<void> | undefined;
  private heard: number;
  private stopping = false;

  constructor(parts: KafkaSessionParts) {
    this.parts = parts;
    this.heard = parts.clock.monotonicMs();
    // A session that is stopped is not awaited any more.
    this.ending.promise.catch(() => undefined);
  }

  get ended(): Promise<void> {
    return this.ending.promise;
  }

  /** Joins the group and begins to take. */
  async start(): Promise<this> {
    const { consumer, topic, clock } = this.parts;
    consumer.on('consumer:group:join', () => this.onJoin());
    try {
      const stream = await consumer.consume({
        topics: [topic],
        mode: 'committed',
        fallbackMode: 'earliest',
        maxWaitTime: 500,
        autocommit: false,
      });
      this.stream = stream;
      stream.on('fetch', () => (this.heard = clock.monotonicMs()));
      stream.on('error', (error) => this.ending.reject(error));
      void this.take(stream);
      return this;
    } catch (error) {
      await consumer.close(true).catch(() => undefined);
      throw error;
    }
  }

  heardAtMs(): number {
    // Who has no room asks for nothing, and need not be answered.
    return this.parts.lanes.hasRoom ? this.heard : this.parts.clock.monotonicMs();
  }

  /** A message is dealt with. */
  settle({ held, settle }: KafkaPlace): void {
    const reached = settle();
    if (reached === undefined || held.isLost) return;
    this.settled.set(held.partition, { held, ...reached });
    this.committing ??= this.commit();
  }

  async stop({ abort }: { readonly abort: boolean }): Promise<void> {
    this.stopping = true;
    await this.parts.lanes.stop({ abort });
    if (!abort) await this.committing;
    // A broker that does not answer must not keep the next consumer from its work.
    if (abort) this.release().catch(() => undefined);
    else await this.release();
  }

  private async release(): Promise<void> {
    await this.stream?.close();
    await this.parts.consumer.close(true);
  }

  private async take(stream: TextStream): Promise<void> {
    const { lanes, clock } = this.parts;
    try {
      for await (const message of stream) {
        await lanes.room();
        if (this.stopping) return;
        this.heard = clock.monotonicMs();
        this.offer(message);
      }
      this.ending.reject(new Error('the stream of messages has ended'));
    } catch (error) {
      this.ending.reject(error);
    }
  }

  private offer(message: KafkaMessage): void {
    const { partition, offset, leaderEpoch } = message;
    const fresh = { partition, prefix: new OffsetPrefix<Reached>(), lastTaken: -1n, isLost: false };
    const held: Held = this.held.get(partition) ?? fresh;
    this.held.set(partition, held);
    // After a rebalance a partition is fetched from what was committed; what is in hand already is not taken twice.
    if (offset <= held.lastTaken) return;
    held.lastTaken = offset;
    const settle = held.prefix.take({ offset, leaderEpoch });
    this.parts.lanes.offer(messageOf(message), { held, settle }, 1);
  }

  /** The group has been shared out anew. */
  private onJoin(): void {
    const { consumer, topic, lanes } = this.parts;
    const mine = new Set(consumer.assignments?.find((assigned) => assigned.topic === topic)?.partitions);
    for (const held of this.held.values()) {
      if (mine.has(held.partition)) continue;
      held.isLost = true;
      this.held.delete(held.partition);
      this.settled.delete(held.partition);
    }
    lanes.drop(({ held }) => held.isLost);
  }

  /** One commit in flight; what is settled meanwhile goes with the next. */
  private async commit(): Promise<void> {
    const { consumer, topic } = this.parts;
    try {
      while (this.settled.size > 0) {
        const batch = [...this.settled.values()].filter(({ held }) => !held.isLost);
        this.settled.clear();
        const offsets = batch.map(({ held: { partition }, offset, leaderEpoch }) => {
          return { topic, partition, offset: offset + 1n, leaderEpoch };
        });
        if (offsets.length > 0) await consumer.commit({ offsets });
      }
    } catch (error) {
      // In a rebalance; the next commit covers this one, or the partition is another's now.
      if (!hasKafkaCode(error, rebalanceCodes)) this.ending.reject(error);
    } finally {
      this.committing = undefined;
    }
  }
}

const rebalanceCodes = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

function messageOf({ topic, key, value, headers }: KafkaMessage): BrokerMessage {
  const { [idHeader]: id = '', ...rest } = Object.fromEntries(headers);
  return { topic, key, id, value, headers: rest };
}
