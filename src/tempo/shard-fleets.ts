import type { PlacedRecord } from '../journal/journal.ts';
import type { Asking, ShardJournal, ShardOwner, SharedJournal } from '../journal/shared-journal.ts';
import { ShardLostError } from '../journal/shard-lost-error.ts';
import { notify } from '../ports/notify.ts';
import { type JsonValue, toJsonValue } from '../saga/json-value.ts';
import { Fleet, type FleetParts, isLoss } from './fleet.ts';
import type { Fleets } from './fleets.ts';
import { TempoClosedError } from './saga-errors.ts';

/** Carries out what another coordinator asks of a saga that is driven here. */
export type CarryOut = (sagaId: string, command: JsonValue, asking: Asking) => Promise<unknown>;

/**
 * A fleet for each shard that is owned here. What becomes of a shard becomes of its fleet: a lost one is let go and
 * forgotten, whatever it was doing, and a shard that comes back gets a new fleet from its records.
 */
export class ShardFleets implements Fleets, ShardOwner {
  readonly journal: SharedJournal;
  readonly shared: SharedJournal;
  private readonly parts: FleetParts;
  private readonly carryOut: CarryOut;
  private readonly fleets = new Map<number, Fleet>();
  draining = false;

  constructor(parts: FleetParts, shared: SharedJournal, carryOut: CarryOut) {
    this.parts = parts;
    this.journal = shared;
    this.shared = shared;
    this.carryOut = carryOut;
  }

  of(id: string): Fleet | undefined {
    const fleet = this.fleets.get(this.shared.shardOf(id));
    // One that is being handed over is the next owner's already, but while everything closes there is no other.
    return fleet?.draining === true && !this.draining ? undefined : fleet;
  }

  all(): Iterable<Fleet> {
    return this.fleets.values();
  }

  recover(): Promise<void> {
    return this.shared.join(this);
  }

  async opened(journal: ShardJournal): Promise<void> {
    const { clock, observer } = this.parts;
    const { shard, epoch } = journal;
    const startedMs = clock.monotonicMs();
    const fleet = new Fleet({ ...this.parts, journal, onBroken: (error) => this.broken(fleet, error) });
    const found = await fleet.recover();
    // It would be owned by name and driven by nobody: it is given back, and comes again.
    if (!journal.mayAct || this.draining) throw new ShardLostError(shard, 'its lease may be over');
    this.fleets.set(shard, fleet);
    const elapsedMs = clock.monotonicMs() - startedMs;
    notify(observer, { type: 'tempo.shard-opened', shard, epoch, ...found, elapsedMs });
    fleet.proceed();
  }

  /** The journal refused what a fleet wrote, or failed: its shard is opened anew, here or elsewhere, and read again. */
  private broken(fleet: Fleet, error: unknown): void {
    const { shard } = fleet.journal as ShardJournal;
    // What a fleet of the past was still writing may be refused when the shard has come back to a new one.
    if (this.fleets.get(shard) === fleet) this.lost(shard, error);
    // What cannot be given back now is free when the lease is over.
    fleet.journal.close().catch(() => undefined);
  }

  lost(shard: number, error: unknown): void {
    const fleet = this.fleets.get(shard);
    if (fleet === undefined) return;
    this.fleets.delete(shard);
    fleet.draining = true;
    const { census } = fleet;
    fleet.letGo(() =>
      error instanceof ShardLostError ? error : new ShardLostError(shard, 'see cause', { cause: error }),
    );
    notify(this.parts.observer, { type: 'tempo.shard-lost', shard, ...census, error });
  }

  async rest(shard: number): Promise<void> {
    const fleet = this.fleets.get(shard);
    if (fleet === undefined) return;
    await fleet.drain();
    if (this.fleets.get(shard) !== fleet) return;
    this.fleets.delete(shard);
    const { census } = fleet;
    fleet.letGo(() => new ShardLostError(shard, 'it was handed over'));
    notify(this.parts.observer, { type: 'tempo.shard-handed-over', shard, ...census });
  }

  unknown(shard: number, sagaIds: readonly string[]): readonly string[] {
    const fleet = this.fleets.get(shard);
    return fleet === undefined ? [] : sagaIds.filter((id) => fleet.runOf(id) === undefined);
  }

  placed(shard: number, starts: readonly PlacedRecord[]): void {
    const fleet = this.fleets.get(shard);
    for (const start of starts) fleet?.adopt(start);
  }

  async asked(sagaId: string, command: JsonValue, asking: Asking): Promise<JsonValue> {
    const fleet = this.of(sagaId);
    if (fleet === undefined) throw new ShardLostError(this.shared.shardOf(sagaId), 'it is not driven here');
    try {
      return toJsonValue(await this.carryOut(sagaId, command, asking), 'answer');
    } catch (error) {
      if (isLoss(error)) throw new ShardLostError(this.shared.shardOf(sagaId), 'see cause', { cause: error });
      if (error instanceof TempoClosedError)
        throw new ShardLostError(undefined, 'its node is closing', { cause: error });
      throw error;
    }
  }

  async drain(): Promise<void> {
    this.draining = true;
    await Promise.all([...this.fleets.values()].map((fleet) => fleet.drain()));
  }

  async close(): Promise<void> {
    await this.drain();
    for (const fleet of this.fleets.values())
      fleet.letGo((run) => new TempoClosedError(`saga "${run.id}" has not ended`));
    await this.shared.close();
  }
}
