import type { ConsumerMessages, JetStreamClient, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { Clock } from '../../ports/clock.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { openLogSagaFirstStore } from '../../saga-first/log-saga-first-store.ts';
import { sagaFirstRetention, type SagaFirstStore } from '../../saga-first/saga-first-store.ts';
import type { SharedLog, SharedLogEntry } from '../../saga-first/shared-log.ts';
import { UnsafeLogError } from '../../saga-first/unsafe-log-error.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { checkAccess, ensureStream, type NatsAccess, type NatsModules } from './nats-clients.ts';

/** Options of {@link openNatsSagaFirstStore}. */
export interface NatsSagaFirstStoreOptions extends NatsAccess {
  /** Default `'sfr-compensations'`. */
  readonly stream?: string;
  /** Accepts a stream with one replica. The loss of its disk is then the loss of the compensations. Default `false`. */
  readonly allowSingleReplica?: boolean;
  /** How long a record may take until it is acknowledged and read back. Default `'10s'`. */
  readonly timeout?: Duration;
  /** How long closed steps are remembered. Default `'30d'`. */
  readonly retention?: Duration;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/** A limit that is none, as the server tells it. */
function unlimited(value: number | undefined): boolean {
  return value === undefined || value <= 0;
}

/** What a stream must be so that what it has acknowledged is there for good. */
function findingsOf({ config }: StreamInfo, allowSingleReplica: boolean): string[] {
  const wanted: readonly (readonly [holds: boolean, finding: string])[] = [
    [unlimited(config.max_age), `max_age is ${config.max_age} ns, must be none, or records go by age`],
    [unlimited(config.max_msgs), `max_msgs is ${config.max_msgs}, must be none`],
    [unlimited(config.max_bytes), `max_bytes is ${config.max_bytes}, must be none`],
    [unlimited(config.max_msgs_per_subject), `max_msgs_per_subject is ${config.max_msgs_per_subject}, must be none`],
    [(config.storage as string) === 'file', `storage is "${config.storage}", must be "file"`],
    [(config.retention as string) === 'limits', `retention is "${config.retention}", must be "limits"`],
    [config.num_replicas >= 3 || allowSingleReplica, `num_replicas is ${config.num_replicas}, must be 3 or more`],
  ];
  return wanted.filter(([holds]) => !holds).map(([, finding]) => finding);
}

class NatsSharedLog implements SharedLog {
  readonly lanes = 1;
  private readonly nats: NatsModules;
  private readonly client: JetStreamClient;
  private readonly manager: JetStreamManager;
  private readonly stream: string;
  /** Where records are, for the day they are forgotten. */
  private readonly sequences = new Map<string, number>();
  private messages: ConsumerMessages | undefined;

  constructor(nats: NatsModules, client: JetStreamClient, manager: JetStreamManager, stream: string) {
    this.nats = nats;
    this.client = client;
    this.manager = manager;
    this.stream = stream;
  }

  async append(_lane: number, key: string, value: string): Promise<void> {
    await this.client.publish(subjectOf(this.stream), JSON.stringify([key, value]));
  }

  async forget(_lane: number, keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const sequence = this.sequences.get(key);
      if (sequence === undefined) continue;
      await this.manager.streams.deleteMessage(this.stream, sequence, false);
      this.sequences.delete(key);
    }
  }

  async follow(onEntry: (entry: SharedLogEntry) => void, onFault: (error: unknown) => void): Promise<void> {
    const consumer = await this.client.consumers.get(this.stream, { deliver_policy: this.nats.DeliverPolicy.All });
    const messages = await consumer.consume({ max_messages: 1000, expires: 10_000, idle_heartbeat: 1000 });
    this.messages = messages;
    void this.take(messages, onEntry).then(
      () => this.messages === messages && onFault(new Error('the stream of records has ended')),
      (error: unknown) => this.messages === messages && onFault(error),
    );
  }

  async close(): Promise<void> {
    const { messages } = this;
    this.messages = undefined;
    await messages?.close();
  }

  private async take(messages: ConsumerMessages, onEntry: (entry: SharedLogEntry) => void): Promise<void> {
    for await (const { data, seq, time } of messages) {
      const [key, value] = entryOf(data);
      this.sequences.set(key, seq);
      onEntry({ key, value, at: time.getTime() });
    }
  }
}

/** What is on the subject and is none of ours is a record of nobody. */
function entryOf(data: Uint8Array): readonly [key: string, value: string] {
  try {
    const [key, value] = JSON.parse(new TextDecoder().decode(data)) as readonly unknown[];
    return [String(key), String(value)];
  } catch {
    return ['', ''];
  }
}

function subjectOf(stream: string): string {
  return `makegood-saga-first.${stream}`;
}

/**
 * Opens the store of saga-first steps on a JetStream stream, for any number of processes; makes the stream when it is not
 * there. Of several records of one number the first in the stream holds, and a writer learns whether it has won by reading
 * its own record back. Time is the server's.
 *
 * JetStream acknowledges before its disk does, unless the server is set to `sync_interval: always`. That cannot be seen from
 * here: set it, or spread the replicas over machines that do not fail together.
 *
 * @param options.stream Default `'sfr-compensations'`.
 * @returns a store that has read the whole stream; its steps are in memory.
 * @throws {UnsafeLogError} when the stream would lose what it has acknowledged.
 * @throws {TypeError | RangeError} for options that are missing or out of range.
 * @example
 * ```ts no-run
 * import * as jetstream from '@nats-io/jetstream';
 * import * as transport from '@nats-io/transport-node';
 * const connection = await transport.connect({ servers: 'nats://127.0.0.1:4222', maxReconnectAttempts: -1 });
 * await using store = await openNatsSagaFirstStore({ nats: { ...transport, ...jetstream }, connection });
 * ```
 */
export async function openNatsSagaFirstStore(options: NatsSagaFirstStoreOptions): Promise<SagaFirstStore> {
  const { nats, connection, stream = 'sfr-compensations', allowSingleReplica = false, clock = systemClock } = options;
  const { timeout = '10s', retention = sagaFirstRetention } = options;
  checkAccess(options);
  const timeoutMs = toMs(timeout, 'timeout');
  const retentionMs = toMs(retention, 'retention', { allowInfinity: true });
  const manager = await nats.jetstreamManager(connection, { timeout: timeoutMs, checkAPI: false });
  const subjects = [subjectOf(stream)];
  await ensureStream(manager, { name: stream, subjects, num_replicas: allowSingleReplica ? 1 : 3 });
  const findings = findingsOf(await manager.streams.info(stream), allowSingleReplica);
  if (findings.length > 0) throw new UnsafeLogError(`JetStream stream "${stream}"`, findings);
  const client = nats.jetstream(connection, { timeout: timeoutMs });
  const log = new NatsSharedLog(nats, client, manager, stream);
  return openLogSagaFirstStore({ log, clock, timeoutMs, retentionMs });
}
