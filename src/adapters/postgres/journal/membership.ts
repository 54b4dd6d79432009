/**
 * A node among others: one life after another, the shards of each, and the news of them.
 *
 *   enlisted ──▶ beating: shards come and go ──(the lease is over)──▶ everything is lost ──▶ enlisted anew
 *                   └──(closed)──▶ everything is given back
 *
 * Only what the database returns for a claim is acted upon, and recovery is part of the loop: a shard that could not be
 * taken up is given back and comes again.
 */
import type { ShardOwner } from '../../../journal/shared-journal.ts';
import type { Clock } from '../../../ports/clock.ts';
import { sleepMs } from '../../../time/sleep.ts';
import { type LeaseTerms, NodeLease, type Tended } from './node-lease.ts';
import { OwnedShard, type ShardParts } from './owned-shard.ts';
import type { Hold } from './pending-write.ts';
import { ShardKeeper, type ShardListener } from './shard-keeper.ts';
import type { WakeUp } from './wake-up.ts';

/** What a membership is made of. */
export interface MembershipParts extends Omit<ShardParts, 'mayAct' | 'release'> {
  readonly terms: LeaseTerms;
  readonly node: string;
  readonly version: string;
  readonly wakeUp: WakeUp;
}

export class Membership implements ShardListener {
  /** The shards that were taken up and are worked on. */
  readonly ready: Map<number, Hold> = new Map();
  private readonly parts: MembershipParts;
  private readonly clock: Clock;
  private readonly closing = new AbortController();
  private owner: ShardOwner | undefined;
  private lease: NodeLease;
  private keeper: ShardKeeper;
  private beating: Promise<void>;
  private readonly opening = new Set<Promise<void>>();
  private readonly resting = new Set<Hold>();
  /** What the opening of a shard threw while the first were taken. */
  private firstError: { readonly error: unknown } | undefined;
  private joined = false;

  constructor(parts: MembershipParts, lease: NodeLease) {
    this.parts = parts;
    this.clock = parts.terms.clock;
    this.lease = lease;
    this.keeper = this.live(lease);
    this.beating = this.keeper.beat();
  }

  get node(): number {
    return this.lease.id;
  }

  get isAlone(): boolean {
    return this.keeper.nodes <= 1;
  }

  private live(lease: NodeLease): ShardKeeper {
    this.parts.queue.node = lease.id;
    return new ShardKeeper(lease, this.clock, this.parts.terms.ttlMs, this);
  }

  /** The shards of this life. */
  get holds(): ReadonlyMap<number, Hold> {
    return this.keeper.holds;
  }

  /** Takes every shard under this life's number; `undefined` when it has ended. */
  async takeAll(): Promise<Tended | undefined> {
    return await this.keeper.take('all');
  }

  /** Takes nothing any more, and gives back what it has. */
  async takeNone(): Promise<void> {
    await this.keeper.take('none');
    await this.keeper.release([...this.keeper.holds.values()]);
  }

  /** Something was said to be free. */
  hurry(): void {
    this.keeper.hurry();
  }

  /** Begins to take shards; resolves when those that were free have been taken up. */
  async join(owner: ShardOwner): Promise<void> {
    this.owner = owner;
    await this.keeper.take('share');
    while (this.opening.size > 0) await Promise.all(this.opening);
    this.joined = true;
    if (this.firstError !== undefined) throw this.firstError.error;
  }

  gained(hold: Hold): void {
    if (this.owner === undefined) return;
    const opened = this.open(hold, this.owner, this.keeper).finally(() => this.opening.delete(opened));
    this.opening.add(opened);
  }

  private async open(hold: Hold, owner: ShardOwner, keeper: ShardKeeper): Promise<void> {
    const release = (own: Hold): Promise<void> => this.release(own, keeper);
    const shard = new OwnedShard(hold, { ...this.parts, mayAct: () => keeper.mayAct, release });
    try {
      await owner.opened(shard);
      if (hold.lost === undefined) this.ready.set(hold.shard, hold);
    } catch (error) {
      if (!this.joined) this.firstError ??= { error };
      await release(hold).catch(() => undefined);
    }
  }

  private async release(hold: Hold, keeper: ShardKeeper): Promise<void> {
    if (this.ready.get(hold.shard) === hold) this.ready.delete(hold.shard);
    if (keeper.holds.get(hold.shard) !== hold) return;
    await keeper.release([hold]);
    this.parts.wakeUp.tell('f');
  }

  lost(hold: Hold): void {
    if (this.ready.get(hold.shard) === hold) this.ready.delete(hold.shard);
    this.resting.delete(hold);
    this.owner?.lost(hold.shard, hold.lost?.error);
  }

  /** Others have come: hands over what is beyond a fair share, once nothing is in hand that is not on record. */
  excess(count: number): void {
    const candidates = [...this.ready.values()].filter((hold) => !this.resting.has(hold));
    for (const hold of candidates.slice(0, Math.max(0, count - this.resting.size))) void this.handOver(hold);
  }

  private async handOver(hold: Hold): Promise<void> {
    const { keeper } = this;
    this.resting.add(hold);
    await this.owner?.rest(hold.shard);
    this.resting.delete(hold);
    // A release that does not arrive is repeated: until then the shard is ours by name, and nobody's by deed.
    for (let pauseMs = 50; keeper.mayAct; pauseMs = Math.min(2 * pauseMs, 1000)) {
      try {
        return await this.release(hold, keeper);
      } catch {
        await sleepMs(pauseMs, this.clock, this.closing.signal).catch(() => undefined);
      }
    }
  }

  ended(): void {
    // A life that nobody joined with is the only one: its opener is to open anew.
    if (!this.closing.signal.aborted && this.owner !== undefined) void this.beginAnew();
  }

  /** Another life, as soon as the server can be reached. */
  private async beginAnew(): Promise<void> {
    const { terms, node, version } = this.parts;
    const { signal } = this.closing;
    for (let pauseMs = 50; !signal.aborted; pauseMs = Math.min(2 * pauseMs, 1000)) {
      try {
        const lease = await NodeLease.begin(terms, node, version);
        if (signal.aborted) return await lease.leave();
        this.lease = lease;
        this.keeper = this.live(lease);
        this.beating = this.keeper.beat();
        await this.keeper.take('share').catch(() => undefined);
        return;
      } catch {
        await sleepMs(pauseMs, this.clock, signal).catch(() => undefined);
      }
    }
  }

  /** Stops; what is owned is given back. */
  async leave(): Promise<void> {
    this.closing.abort();
    await this.keeper.leave();
    await this.beating;
  }
}
