import type * as Kafka from '@platformatic/kafka';
import { type Duration, toMs } from '../../time/duration.ts';

/** What is needed of the module `@platformatic/kafka`. */
export type KafkaModule = Pick<typeof Kafka, 'Admin' | 'Consumer' | 'Producer'>;

/** How to reach a Kafka cluster. */
export interface KafkaConnection {
  /** The module itself: `import * as kafka from '@platformatic/kafka'`. */
  readonly kafka: KafkaModule;
  /** `host:port` of some of the cluster's brokers. */
  readonly bootstrapBrokers: readonly string[];
  /** Default `'makegood'`. */
  readonly clientId?: string;
  /** `tls`, `sasl` and what else the module's clients take. */
  readonly options?: Omit<Kafka.BaseOptions, 'bootstrapBrokers' | 'clientId' | 'timeout'>;
  /** How long a request may take before it counts as failed. Default `'10s'`. */
  readonly timeout?: Duration;
}

/** A message as Kafka has it, keys and values as text. */
export type KafkaMessage = Kafka.Message<string, string, string, string>;

/** Clients of one cluster. */
export class KafkaClients {
  private readonly kafka: KafkaModule;
  private readonly base: Kafka.BaseOptions;

  constructor({ kafka, bootstrapBrokers, clientId = 'makegood', timeout = '10s', options }: KafkaConnection) {
    if (typeof kafka?.Producer !== 'function')
      throw new TypeError('Expected kafka to be the module @platformatic/kafka: import * as kafka from …');
    if (!Array.isArray(bootstrapBrokers) || bootstrapBrokers.length === 0)
      throw new TypeError('Expected bootstrapBrokers to be a list such as ["127.0.0.1:9092"]');
    this.kafka = kafka;
    const timeoutMs = toMs(timeout, 'timeout');
    // The module's own retries would hide for how long a cluster has been away; ours decide.
    this.base = {
      retries: 3,
      retryDelay: 200,
      ...options,
      clientId,
      bootstrapBrokers: [...bootstrapBrokers],
      timeout: timeoutMs,
      connectTimeout: timeoutMs,
      requestTimeout: timeoutMs,
    };
  }

  admin(): Kafka.Admin {
    return new this.kafka.Admin(this.base);
  }

  /** A producer that loses nothing it has acknowledged: every in-sync replica has it, and the broker drops its doubles. */
  producer(): Kafka.Producer<string, string, string, string> {
    const serializers = { key: bytesOf, value: bytesOf, headerKey: bytesOf, headerValue: bytesOf };
    return new this.kafka.Producer({ ...this.base, acks: -1, idempotent: true, autocreateTopics: false, serializers });
  }

  consumer(groupId: string, sessionTimeoutMs: number): Kafka.Consumer<string, string, string, string> {
    const deserializers = { key: textOf, value: textOf, headerKey: textOf, headerValue: textOf };
    return new this.kafka.Consumer({
      ...this.base,
      groupId,
      autocommit: false,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.floor(sessionTimeoutMs / 4),
      deserializers,
    });
  }
}

/** Nothing stays nothing: a record without a value is a tombstone. */
function bytesOf(text?: string): Buffer | undefined {
  return typeof text === 'string' ? Buffer.from(text) : undefined;
}

function textOf(bytes?: Buffer): string {
  return bytes?.toString() ?? '';
}

/** Whether the error, one of its causes, or one that it is made of, carries this code of the protocol. */
export function hasKafkaCode(error: unknown, codes: readonly string[]): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { apiId, cause, errors } = error as { apiId?: unknown; cause?: unknown; errors?: unknown };
  if (typeof apiId === 'string' && codes.includes(apiId)) return true;
  const inner: readonly unknown[] = Array.isArray(errors) ? errors : [];
  return [cause, ...inner].some((one) => hasKafkaCode(one, codes));
}
