import type * as JetStream from '@nats-io/jetstream';
import type * as Transport from '@nats-io/transport-node';

/** What is needed of the modules of NATS: `{ ...transport, ...jetstream }`. */
export type NatsModules = Pick<typeof JetStream, 'DeliverPolicy' | 'jetstream' | 'jetstreamManager'> &
  Pick<typeof Transport, 'headers'>;

/** How to reach a NATS server with JetStream. */
export interface NatsAccess {
  /** The modules themselves: `{ ...transport, ...jetstream }` of `@nats-io/transport-node` and `@nats-io/jetstream`. */
  readonly nats: NatsModules;
  /** A connection of yours; it is not closed. Let it reconnect for ever: `maxReconnectAttempts: -1`. */
  readonly connection: Transport.NatsConnection;
}

/** Refuses what is no access. */
export function checkAccess({ nats, connection }: NatsAccess): void {
  if (typeof nats?.jetstream !== 'function' || typeof nats?.headers !== 'function')
    throw new TypeError('Expected nats to be { ...transport, ...jetstream } of the two modules of NATS');
  if (typeof connection?.publish !== 'function') throw new TypeError('Expected connection to be a NATS connection');
}

// What is not there, and a sequence that is not the expected one (nats-server, errors.json).
const notFoundCodes = new Set([10_014, 10_037, 10_059]);
const wrongSequenceCode = 10_071;

function codeOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

export function isNotFound(error: unknown): boolean {
  return notFoundCodes.has(codeOf(error) ?? -1);
}

export function isWrongSequence(error: unknown): boolean {
  return codeOf(error) === wrongSequenceCode;
}

/** A stream's settings, as far as ours differ from the server's. */
export interface StreamNeeds {
  readonly name: string;
  readonly subjects: string[];
  readonly num_replicas: number;
  readonly max_age?: number;
  readonly max_msgs_per_subject?: number;
  readonly deny_delete?: boolean;
}

/** Makes a stream that is not there; leaves one that is there as its operator has made it. */
export async function ensureStream(manager: JetStream.JetStreamManager, needs: StreamNeeds): Promise<void> {
  try {
    await manager.streams.info(needs.name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await manager.streams.add(needs);
  }
}

/** A topic or group as a part of a subject and of a stream's name, neither of which may have a dot in it. */
export function tokenOf(name: string): string {
  return name.replaceAll('.', '~');
}
