import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { Broker, BrokerMessage } from '../../choreography/broker.ts';
import { type BrokerDriver, BrokerShell, type LanesMaker } from '../../choreography/broker-shell.ts';
import { PublishError } from '../../choreography/choreography-errors.ts';
import type { ChoreographyEvent } from '../../choreography/choreography-events.ts';
import type { DeliveryLanes } from '../../choreography/delivery-lanes.ts';
import { LeasedLogSession, type LogPlace } from '../../choreography/leased-log.ts';
import type { ResolvedSubscription } from '../../choreography/subscription.ts';
import type { ConsumerSession } from '../../choreography/supervised-subscription.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Observer } from '../../ports/observer.ts';
import { uniqueId } from '../../ports/random.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { checkAccess, ensureStream, type NatsAccess, tokenOf } from './nats-clients.ts';
import { NatsLease } from './nats-lease.ts';
import { natsHeaders, NatsLog } from './nats-log.ts';

/** Options of {@link natsBroker}. */
export interface NatsBrokerOptions extends NatsAccess {
  /** How streams are made that are not there: replicas, and how long messages are kept. Default 1 and `'7d'`. */
  readonly stream?: { readonly replicas?: number; readonly maxAge?: Duration };
  /** How long a group waits for a consumer that says nothing before another takes over. Default `'10s'`. */
  readonly leaseTtl?: Duration;
  /** How long the server may take to acknowledge. Default `'5s'`. */
  readonly timeout?: Duration;
  readonly observer?: Observer<ChoreographyEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

const leaseStream = 'makegood-groups';

class NatsDriver implements BrokerDriver<LogPlace> {
  readonly name = 'nats';
  private readonly options: NatsBrokerOptions;
  private readonly client: JetStreamClient;
  private readonly manager: Promise<JetStreamManager>;
  private readonly clock: Clock;
  private readonly ttlMs: number;
  private readonly replicas: number;
  private readonly maxAgeMs: number;
  /** One for each subscription: its next consumer finds the lease of the one before. */
  private readonly owners = new WeakMap<ResolvedSubscription, string>();

  constructor(options: NatsBrokerOptions, clock: Clock) {
    const { nats, connection, stream = {}, leaseTtl = '10s', timeout = '5s' } = options;
    checkAccess(options);
    const settings = { timeout: toMs(timeout, 'timeout') };
    this.options = options;
    this.client = nats.jetstream(connection, settings);
    this.manager = nats.jetstreamManager(connection, { ...settings, checkAPI: false });
    this.manager.catch(() => undefined);
    this.clock = clock;
    this.ttlMs = toMs(leaseTtl, 'leaseTtl');
    this.replicas = stream.replicas ?? 1;
    this.maxAgeMs = toMs(stream.maxAge ?? '7d', 'maxAge');
  }

  async ensure(topic: string): Promise<void> {
    const manager = await this.manager;
    const num_replicas = this.replicas;
    // A stream's ages are nanoseconds.
    const max_age = this.maxAgeMs * 1_000_000;
    await ensureStream(manager, { name: streamOf(topic), subjects: [subjectOf(topic)], num_replicas, max_age });
    const subjects = [`${leaseStream}.>`];
    await ensureStream(manager, { name: leaseStream, subjects, num_replicas, max_msgs_per_subject: 1 });
  }

  async send(messages: readonly BrokerMessage[]): Promise<void> {
    const { nats } = this.options;
    try {
      // One connection keeps the order of what is sent on it. No `Nats-Msg-Id`: an id is unique within its source only,
      // and one that is redriven must not be taken for a double.
      await Promise.all(
        messages.map((message) =>
          this.client.publish(subjectOf(message.topic), message.value, { headers: natsHeaders(nats, message) }),
        ),
      );
    } catch (error) {
      throw new PublishError('NATS', error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  async connect(subscription: ResolvedSubscription, lanesOf: LanesMaker<LogPlace>): Promise<ConsumerSession> {
    const { topic, group } = subscription;
    const { client, clock, ttlMs } = this;
    const owner = this.owners.get(subscription) ?? uniqueId();
    this.owners.set(subscription, owner);
    const manager = await this.manager;
    const subject = `${leaseStream}.${tokenOf(topic)}.${tokenOf(group)}`;
    const lease = new NatsLease({ client, manager, stream: leaseStream, subject, owner, ttlMs, clock });
    const log = new NatsLog(this.options.nats, client, streamOf(topic), topic);
    const lanes: DeliveryLanes<LogPlace> = lanesOf((place) => session.settle(place));
    const session: LeasedLogSession = new LeasedLogSession({ lease, log, lanes, clock });
    return session;
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}

function streamOf(topic: string): string {
  return `makegood-${tokenOf(topic)}`;
}

function subjectOf(topic: string): string {
  return `makegood.${tokenOf(topic)}`;
}

/**
 * A broker on NATS JetStream. A topic is a stream `makegood-<topic>`, which is made when it is not there. A group's
 * consumers take turns: one has its lease and works, the others stand by and take over when it is released or has run out.
 * The stream is read as a log, so the order holds across restarts and redeliveries.
 *
 * JetStream acknowledges before its disk does, unless the server is set to `sync_interval: always`: a power failure can
 * lose what it has acknowledged in the last two minutes. It carries events; it is no journal.
 *
 * @param options.connection a connection of yours; the broker does not close it.
 * @param options.leaseTtl how long a group waits for a consumer that says nothing. Default `'10s'`.
 * @throws {TypeError | RangeError} for options that are missing or out of range.
 * @see Jepsen, "NATS 2.12.1", 2025: 14 % of acknowledged messages lost after a coordinated power failure.
 * @example
 * ```ts no-run
 * import * as jetstream from '@nats-io/jetstream';
 * import * as transport from '@nats-io/transport-node';
 * const connection = await transport.connect({ servers: 'nats://127.0.0.1:4222', maxReconnectAttempts: -1 });
 * await using broker = natsBroker({ nats: { ...transport, ...jetstream }, connection });
 * ```
 */
export function natsBroker(options: NatsBrokerOptions): Broker {
  const { clock = systemClock, observer } = options;
  return new BrokerShell(new NatsDriver(options, clock), clock, observer);
}
