import { ShardLostError } from '../../../journal/shard-lost-error.ts';
import type { Clock } from '../../../ports/clock.ts';
import { sleepMs } from '../../../time/sleep.ts';
import type { NodeLease, Taking, Tended } from './node-lease.ts';
import type { Hold } from './pending-write.ts';

/** Told of what becomes of shards. */
export interface ShardListener {
  gained(hold: Hold): void;
  lost(hold: Hold): void;
  /** So many shards are owned beyond a fair share. */
  excess(count: number): void;
  /** The lease is over, and with it everything that was owned. */
  ended(error: unknown): void;
}

/** Keeps one life of a node alive, and says which shards it owns. */
export class ShardKeeper {
  readonly holds: Map<number, Hold> = new Map();
  /** Epochs of what was given back, until the store says that it is. */
  private readonly givenUp = new Map<number, number>();
  /** Those of which nobody knows whether the store has heard. */
  private readonly unheard = new Set<number>();
  private taking: Taking = 'none';
  /** How many nodes take part, as far as was heard. */
  nodes = 1;
  private readonly lease: NodeLease;
  private readonly clock: Clock;
  private readonly ttlMs: number;
  private readonly listener: ShardListener;
  private readonly stopping = new AbortController();
  private wake: AbortController | undefined;
  private tending: Promise<Tended | undefined> | undefined;
  private ended = false;

  constructor(lease: NodeLease, clock: Clock, ttlMs: number, listener: ShardListener) {
    this.lease = lease;
    this.clock = clock;
    this.ttlMs = ttlMs;
    this.listener = listener;
  }

  get mayAct(): boolean {
    return !this.ended && this.lease.mayAct;
  }

  /** Renews the lease until it is stopped, or the lease is over. */
  async beat(): Promise<void> {
    while (!this.ended) {
      const tended = await this.tend().catch(() => undefined);
      // What is left free although there is room was locked by the last word of its former owner: it is free in a moment.
      const again = tended !== undefined && tended.free > 0 && this.holds.size < tended.share;
      await this.pause(tended === undefined || again ? this.ttlMs / 30 : this.ttlMs / 3);
    }
  }

  /** Does not wait for the next beat: something was said to be free. */
  hurry(): void {
    this.wake?.abort();
  }

  /** From here on takes so many shards; the first of them now. */
  async take(taking: Taking): Promise<Tended | undefined> {
    this.taking = taking;
    // A renewal that is on its way took what was wanted before.
    await this.tending?.catch(() => undefined);
    return await this.tend();
  }

  /** Renews now; `undefined` when the lease was over. Rejects when there was no answer. */
  tend(): Promise<Tended | undefined> {
    this.tending ??= this.tendOnce().finally(() => (this.tending = undefined));
    return this.tending;
  }

  private async tendOnce(): Promise<Tended | undefined> {
    let tended: Tended | undefined;
    try {
      tended = await this.lease.tend(this.taking);
    } catch (error) {
      if (!this.lease.mayAct) this.end(error);
      throw error;
    }
    if (this.ended) return undefined;
    if (tended === undefined) this.end(new ShardLostError(undefined, 'the lease was over before it could be renewed'));
    else this.compare(tended);
    return tended;
  }

  private compare({ owned, share, nodes }: Tended): void {
    this.nodes = nodes;
    for (const hold of this.holds.values())
      if (owned.get(hold.shard) !== hold.epoch) this.lose(hold, 'another took it');
    const givenUp = this.stillGivenUp(owned);
    for (const [shard, epoch] of owned) {
      if (this.holds.has(shard) || givenUp.has(shard)) continue;
      const hold: Hold = { shard, epoch, lost: undefined };
      this.holds.set(shard, hold);
      this.listener.gained(hold);
    }
    if (this.holds.size > share) this.listener.excess(this.holds.size - share);
  }

  /** Takes note that a shard is lost, by whoever found out. */
  lose(hold: Hold, why: string, cause?: unknown): void {
    if (hold.lost !== undefined) return;
    hold.lost = { error: new ShardLostError(hold.shard, why, { cause }) };
    if (this.holds.get(hold.shard) === hold) this.holds.delete(hold.shard);
    this.listener.lost(hold);
  }

  /** Gives shards to whoever wants them; they must be at rest. */
  async release(holds: readonly Hold[]): Promise<void> {
    for (const hold of holds) {
      hold.lost ??= { error: new ShardLostError(hold.shard, 'it was handed over') };
      this.holds.delete(hold.shard);
    }
    for (const { shard, epoch } of holds) this.givenUp.set(shard, epoch);
    await this.giveUp(holds);
  }

  private async giveUp(holds: readonly Pick<Hold, 'shard' | 'epoch'>[]): Promise<void> {
    try {
      await this.lease.release(holds);
    } catch (error) {
      // It may have arrived, and will be repeated if it has not.
      for (const { shard, epoch } of holds) if (this.givenUp.get(shard) === epoch) this.unheard.add(shard);
      throw error;
    }
  }

  /** What was given up and is ours by name still is never taken up as it was. If that may not have arrived it is repeated. */
  private stillGivenUp(owned: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
    for (const [shard, epoch] of this.givenUp) {
      if (owned.get(shard) === epoch) continue;
      this.givenUp.delete(shard);
      this.unheard.delete(shard);
    }
    const again = [...this.unheard].map((shard) => ({ shard, epoch: this.givenUp.get(shard) ?? 0 }));
    this.unheard.clear();
    if (again.length > 0) this.giveUp(again).catch(() => undefined);
    return this.givenUp;
  }

  /** Stops, and gives everything back; what does not reach the server ends with the lease. */
  async leave(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.stopping.abort();
    await this.tending?.catch(() => undefined);
    await this.lease.leave().catch(() => undefined);
  }

  private end(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.stopping.abort();
    for (const hold of this.holds.values()) this.lose(hold, 'the lease is over', error);
    this.listener.ended(error);
  }

  private async pause(delayMs: number): Promise<void> {
    this.wake = new AbortController();
    const signal = AbortSignal.any([this.wake.signal, this.stopping.signal]);
    await sleepMs(delayMs, this.clock, signal).catch(() => undefined);
  }
}
