import type { Producer } from '@platformatic/kafka';
import type { BrokerMessage } from '../../choreography/broker.ts';
import { PublishError } from '../../choreography/choreography-errors.ts';
import { PublishQueue } from '../../choreography/publish-queue.ts';

/** Where the id of a message travels. */
export const idHeader = 'makegood-id';

type TextProducer = Producer<string, string, string, string>;

/**
 * Publishes in order, one request at a time. After a failure the producer is made anew: it does not know whether its
 * request was stored, and what it has numbered cannot be numbered again.
 */
export class KafkaPublisher {
  private readonly make: () => TextProducer;
  private readonly queue: PublishQueue = new PublishQueue((messages) => this.send(messages));
  private producer: TextProducer | undefined;

  constructor(make: () => TextProducer) {
    this.make = make;
  }

  publish(messages: readonly BrokerMessage[]): Promise<void> {
    return this.queue.publish(messages);
  }

  /** Resolves when everything that was given is published, or has failed. */
  async close(): Promise<void> {
    await this.queue.idle();
    await this.producer?.close();
  }

  private async send(messages: readonly BrokerMessage[]): Promise<void> {
    try {
      this.producer ??= this.make();
      await this.producer.send({ messages: messages.map(recordOf), acks: -1 });
    } catch (error) {
      this.producer?.close(true).catch(() => undefined);
      this.producer = undefined;
      throw new PublishError('Kafka', error instanceof Error ? error.message : String(error), { cause: error });
    }
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
