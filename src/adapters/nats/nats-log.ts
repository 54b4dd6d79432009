import type { ConsumerMessages, JetStreamClient, JsMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import type { BrokerMessage } from '../../choreography/broker.ts';
import type { MessageLog } from '../../choreography/leased-log.ts';
import type { NatsModules } from './nats-clients.ts';

// Headers beside those of the message itself.
const idHeader = 'makegood-id';
const keyHeader = 'makegood-key';

/** A stream, read by an ordered consumer: the server keeps nothing of it, and the client notices what is missing. */
export class NatsLog implements MessageLog {
  private readonly nats: NatsModules;
  private readonly client: JetStreamClient;
  private readonly stream: string;
  private readonly topic: string;

  constructor(nats: NatsModules, client: JetStreamClient, stream: string, topic: string) {
    this.nats = nats;
    this.client = client;
    this.stream = stream;
    this.topic = topic;
  }

  async *read(
    after: number,
    signal: AbortSignal,
    heard: () => void,
  ): AsyncGenerator<{ readonly position: number; readonly message: BrokerMessage }> {
    const consumer = await this.client.consumers.get(this.stream, {
      deliver_policy: this.nats.DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
    });
    const messages = await consumer.consume({ max_messages: 256, expires: 10_000, idle_heartbeat: 1000 });
    const stop = (): void => void messages.close().catch(() => undefined);
    signal.addEventListener('abort', stop, { once: true });
    void listen(messages, heard);
    try {
      for await (const message of messages) {
        if (signal.aborted) return;
        yield { position: message.seq, message: messageOf(this.topic, message) };
      }
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
      await consumer.delete().catch(() => undefined);
    }
  }
}

/** A heartbeat says that the server is there and has nothing. */
async function listen(messages: ConsumerMessages, heard: () => void): Promise<void> {
  for await (const { type } of messages.status()) if (type === 'heartbeat' || type === 'next') heard();
}

function messageOf(topic: string, { headers, data }: JsMsg): BrokerMessage {
  const entries = [...(headers ?? [])].map(([name, values]): [string, string] => [name, decoded(values[0] ?? '')]);
  const { [idHeader]: id = '', [keyHeader]: key = '', ...rest } = Object.fromEntries(entries);
  return { topic, key, id, value: new TextDecoder().decode(data), headers: rest };
}

/** Values are quoted, since NATS has one line of ASCII for each; those of others may not be. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The headers that a message travels with. */
export function natsHeaders(nats: NatsModules, { id, key, headers = {} }: BrokerMessage): MsgHdrs {
  const made = nats.headers();
  for (const [name, value] of Object.entries({ ...headers, [idHeader]: id, [keyHeader]: key }))
    made.set(name, encodeURIComponent(value));
  return made;
}
