/**
 * The lease of a group as the last message of a subject: who has it, and how far the group has come. Every write names the
 * sequence that it follows, so of two writers one is refused. Nobody's clock is believed: a lease has run out when its last
 * message has not changed for its time, by the clock of who wants it.
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { GroupLease } from '../../choreography/leased-log.ts';
import type { Clock } from '../../ports/clock.ts';
import { isNotFound, isWrongSequence } from './nats-clients.ts';

/** What a lease is made of. */
export interface NatsLeaseParts {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** The stream of leases, which keeps the last message of each subject. */
  readonly stream: string;
  readonly subject: string;
  readonly owner: string;
  readonly ttlMs: number;
  readonly clock: Clock;
}

interface Held {
  readonly owner: string;
  readonly position: number;
  readonly sequence: number;
}

const nobody: Held = { owner: '', position: 0, sequence: 0 };

/** A lease on JetStream. */
export class NatsLease implements GroupLease {
  readonly ttlMs: number;
  private readonly parts: NatsLeaseParts;
  /** The sequence that the next write must follow. */
  private sequence = 0;
  private seen = { sequence: -1, sinceMs: 0 };

  constructor(parts: NatsLeaseParts) {
    this.parts = parts;
    this.ttlMs = parts.ttlMs;
  }

  async claim(): Promise<number | undefined> {
    const { owner, clock } = this.parts;
    const held = await this.read();
    const nowMs = clock.monotonicMs();
    if (held.sequence !== this.seen.sequence) this.seen = { sequence: held.sequence, sinceMs: nowMs };
    const isFree = held.owner === '' || held.owner === owner || nowMs - this.seen.sinceMs >= this.ttlMs;
    if (!isFree) return undefined;
    this.sequence = held.sequence;
    return (await this.write(owner, held.position)) ? held.position : undefined;
  }

  keep(position: number): Promise<boolean> {
    return this.write(this.parts.owner, position);
  }

  async release(position: number): Promise<void> {
    await this.write('', position);
  }

  private async read(): Promise<Held> {
    const { manager, stream, subject } = this.parts;
    try {
      const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
      if (message === null) return nobody;
      const { owner, position } = JSON.parse(new TextDecoder().decode(message.data)) as Omit<Held, 'sequence'>;
      return { owner, position, sequence: message.seq };
    } catch (error) {
      if (isNotFound(error)) return nobody;
      throw error;
    }
  }

  private async write(owner: string, position: number): Promise<boolean> {
    const { client, subject } = this.parts;
    const value = JSON.stringify({ owner, position });
    try {
      const { seq } = await client.publish(subject, value, { expect: { lastSubjectSequence: this.sequence } });
      this.sequence = seq;
      return true;
    } catch (error) {
      if (!isWrongSequence(error)) throw error;
      return this.wasMine(owner, position);
    }
  }

  /** Whether the write that seems to be another's is our own, whose acknowledgement was lost. */
  private async wasMine(owner: string, position: number): Promise<boolean> {
    const held = await this.read();
    if (owner === '' || held.owner !== owner || held.position > position) return false;
    this.sequence = held.sequence;
    return true;
  }
}
