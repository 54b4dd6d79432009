import type { Clock } from '../../../ports/clock.ts';
import type { StatementLine } from './statement-line.ts';

/** What a renewal tells, when the lease was still running. */
export interface Tended {
  /** How many nodes are alive. */
  readonly nodes: number;
  /** How many shards a node should own. */
  readonly share: number;
  /** How many nobody owns. */
  readonly free: number;
  /** Epochs of the shards that are owned here, by shard. */
  readonly owned: ReadonlyMap<number, number>;
}

interface TendRow {
  readonly alive: boolean;
  readonly at: number;
  readonly nodes: number;
  readonly share: number;
  readonly free: number;
  readonly shards: readonly number[];
  readonly epochs: readonly number[];
}

/** What a lease is asked for with. */
export interface LeaseTerms {
  readonly schema: string;
  readonly line: StatementLine;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** Told what time it was on the server a moment ago. */
  readonly onTime: (at: number) => void;
}

/** Gives back shards of a node, by their numbers and epochs. */
export function releaseText(schema: string): string {
  return `UPDATE ${schema}.shard s SET owner = NULL FROM unnest($2::integer[], $3::bigint[]) AS released(id, epoch)
    WHERE s.owner = $1 AND s.id = released.id AND s.epoch = released.epoch`;
}

/** Which shards a node takes: those that are free up to its share, or every one, under its own number. */
export type Taking = 'none' | 'share' | 'all';

/**
 * One life of a node, and what it may believe of its lease. The server's clock decides when a lease is over; here only
 * elapsed time counts, from before the renewal was sent, and shortened by a fifth or four round trips. On Linux the
 * monotonic clock stands still while the machine is suspended, so wall time is asked as well: whichever says more counts.
 */
export class NodeLease {
  /** Its number: beyond every epoch that was there when it began. */
  readonly id: number;
  private readonly terms: LeaseTerms;
  private sentMs: number;
  private sentAt: number;
  private lastsMs: number;

  private constructor(id: number, terms: LeaseTerms, sentMs: number, sentAt: number) {
    this.id = id;
    this.terms = terms;
    this.sentMs = sentMs;
    this.sentAt = sentAt;
    this.lastsMs = 0.8 * terms.ttlMs;
  }

  static async begin(terms: LeaseTerms, name: string, version: string): Promise<NodeLease> {
    const { schema, line, clock, ttlMs } = terms;
    const [sentMs, sentAt] = [clock.monotonicMs(), clock.now()];
    const text = `SELECT ${schema}.enlist_1($1, $2, $3) AS id`;
    const [row] = await line.run<{ readonly id: string }>(text, [name, version, ttlMs]);
    return new NodeLease(Number(row?.id), terms, sentMs, sentAt);
  }

  /** Whether the lease is running for certain. */
  get mayAct(): boolean {
    const { clock } = this.terms;
    return Math.max(clock.monotonicMs() - this.sentMs, clock.now() - this.sentAt) < this.lastsMs;
  }

  /** Renews the lease and takes what is to be taken; `undefined` when it was over: this life has ended. */
  async tend(taking: Taking): Promise<Tended | undefined> {
    const { schema, line, clock, ttlMs, onTime } = this.terms;
    const [sentMs, sentAt] = [clock.monotonicMs(), clock.now()];
    const [row] = await line.run<TendRow>(`SELECT * FROM ${schema}.tend_1($1, $2, $3)`, [this.id, ttlMs, taking]);
    if (row !== undefined) onTime(row.at);
    if (row?.alive !== true) return undefined;
    const roundTripMs = clock.monotonicMs() - sentMs;
    this.sentMs = sentMs;
    this.sentAt = sentAt;
    this.lastsMs = ttlMs - Math.max(ttlMs / 5, 4 * roundTripMs);
    const { nodes, share, free, shards, epochs } = row;
    return { nodes, share, free, owned: new Map(shards.map((shard, place) => [shard, epochs[place] ?? 0])) };
  }

  /** Gives shards back. By their epochs, since one that arrives late must not free what was taken again in the meantime. */
  async release(shards: readonly { readonly shard: number; readonly epoch: number }[]): Promise<void> {
    const { schema, line } = this.terms;
    const columns = [shards.map(({ shard }) => shard), shards.map(({ epoch }) => epoch)];
    await line.run(releaseText(schema), [this.id, ...columns]);
  }

  async leave(): Promise<void> {
    const { schema, line } = this.terms;
    await line.run(`SELECT ${schema}.leave_1($1)`, [this.id]);
  }
}
