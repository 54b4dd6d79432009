import type { Producer } from '@platformatic/kafka';
import type { BrokerMessage } from '../../choreography/broker.ts';
import { PublishError } from '../../choreography/choreography-errors.ts';

/** Where the id of a message travels. */
export const idHeader = 'makegood-id';

interface Waiting {
  readonly messages: readonly BrokerMessage[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type TextProducer = Producer<string, string, string, string>;

/**
 * Publishes in order: one request is in flight, what comes meanwhile waits together for the next.
 *
 * After a failure the producer is made anew. It does not know whether its request was stored, and what it has numbered
 * cannot be numbered again.
 */
export class KafkaPublisher {
  private readonly make: () => TextProducer;
  private producer: TextProducer | undefined;
  private waiting: Waiting[] = [];
  private working: Promise<void> | undefined;

  constructor(make: () => TextProducer) {
    this.make = make;
  }

  publish(messages: readonly BrokerMessage[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push({ messages, resolve, reject });
      this.working ??= this.work();
    });
  }

  /** Resolves when everything that was given is published, or has failed. */
  async close(): Promise<void> {
    await this.working;
    await this.producer?.close();
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        this.producer ??= this.make();
        await this.producer.send({ messages: batch.flatMap(({ messages }) => messages.map(recordOf)), acks: -1 });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.producer?.close(true).catch(() => undefined);
        this.producer = undefined;
        const why = error instanceof Error ? error.message : String(error);
        for (const { reject } of batch) reject(new PublishError('Kafka', why, { cause: error }));
      }
    }
    this.working = undefined;
  }
}

interface TextRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
}

function recordOf({ topic, key, id, value, headers }: BrokerMessage): TextRecord {
  return { topic, key, value, headers: { ...headers, [idHeader]: id } };
}
