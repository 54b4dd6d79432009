import {
  type AppendCondition,
  JournalClosedError,
  type PlacedRecord,
  type Position,
  type SagaFilter,
  type SagaPage,
  StaleEpochError,
} from '../../../journal/journal.ts';
import type { UnreadableSaga } from '../../../journal/unreadable-saga.ts';
import type { SharedJournal, ShardOwner } from '../../../journal/shared-journal.ts';
import type { JsonValue } from '../../../saga/json-value.ts';
import type { SagaRecord } from '../../../saga/record.ts';
import type { SagaState } from '../../../saga/state.ts';
import { sleepMs } from '../../../time/sleep.ts';
import { JournalHeldError } from './journal-held-error.ts';
import type { JournalParts } from './journal-parts.ts';
import { newTag, OwnedShard } from './owned-shard.ts';
import { type Hold, PendingWrite } from './pending-write.ts';
import { shardOf } from './shard-of.ts';
import { factsOf } from './write-facts.ts';

/** How long the first record of a saga is sent again when its answer was lost. */
const placeWithinMs = 30_000;

/**
 * A journal in PostgreSQL. Whoever joins owns shards of it, one journal each. Whoever appends without joining wants it for
 * itself, and takes every shard under one epoch.
 */
export class PostgresJournal implements SharedJournal {
  readonly epoch: number;
  readonly clock: SharedJournal['clock'];
  private readonly parts: JournalParts;
  private readonly whole = new Map<Hold, OwnedShard>();
  private owning: Promise<void> | undefined;
  private joined = false;
  private told = false;
  private closing: Promise<void> | undefined;

  constructor(parts: JournalParts) {
    this.parts = parts;
    this.epoch = parts.membership.node;
    this.clock = parts.storeClock;
  }

  shardOf(sagaId: string): number {
    return shardOf(sagaId, this.parts.shards);
  }

  async join(owner: ShardOwner): Promise<void> {
    this.guard();
    if (this.joined || this.owning !== undefined)
      throw new TypeError('Expected the journal to be unused, got one in use');
    this.joined = true;
    const { membership, tidings, wakeUp, housekeeping, clock, random } = this.parts;
    tidings.readFor(owner);
    await membership.join(owner);
    tidings.begin();
    void wakeUp.listen();
    housekeeping.begin(clock, random);
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    return await (await this.shard(this.shardOf(sagaId))).append(sagaId, records, condition);
  }

  async *open(): AsyncGenerator<SagaState> {
    this.guard();
    if (this.told) return;
    this.told = true;
    for (let shard = 0; shard < this.parts.shards; shard++) yield* (await this.shard(shard)).open();
  }

  get unreadable(): readonly UnreadableSaga[] {
    return [...this.whole.values()].flatMap((shard) => shard.unreadable);
  }

  /** A shard of a journal that is wanted as a whole. */
  private async shard(number: number): Promise<OwnedShard> {
    if (this.joined) throw new TypeError('Expected a journal that was joined to be used by its shards');
    this.owning ??= this.takeAll().catch(async (error: unknown) => {
      this.owning = undefined;
      await this.parts.membership.takeNone();
      throw error;
    });
    await this.owning;
    const hold = this.parts.membership.holds.get(number);
    if (hold === undefined) throw new StaleEpochError(this.epoch, this.epoch + 1);
    const known = this.whole.get(hold);
    if (known !== undefined) return known;
    const shard = new OwnedShard(hold, { ...this.parts, mayAct: () => true, release: () => Promise.resolve() });
    this.whole.set(hold, shard);
    return shard;
  }

  /** Waits until every shard is owned here, and no longer than their owners may live on without a word. */
  private async takeAll(): Promise<void> {
    const { membership, clock, leaseMs, schema, shards } = this.parts;
    const endMs = clock.monotonicMs() + 1.5 * leaseMs;
    for (;;) {
      const tended = await membership.takeAll();
      const missing = shards - membership.holds.size;
      if (missing === 0 || tended === undefined) return;
      if (clock.monotonicMs() > endMs) throw new JournalHeldError(schema, missing, tended.nodes);
      await sleepMs(leaseMs / 30, clock, undefined);
    }
  }

  async place(
    sagaId: string,
    records: readonly SagaRecord[],
    { allowReuse }: { readonly allowReuse?: boolean | undefined },
  ): Promise<Position> {
    this.guard();
    const { queue, random, clock, wakeUp } = this.parts;
    const shard = this.shardOf(sagaId);
    const facts = factsOf({ shard, sagaId, records, expectedSeq: 0, allowReuse }, 'running', undefined);
    const write = new PendingWrite(facts, undefined, newTag(random), clock.monotonicMs() + placeWithinMs);
    queue.add(write);
    const position = await write.durable;
    wakeUp.tell(`s${shard}`);
    return position;
  }

  async ask(sagaId: string, command: JsonValue): Promise<JsonValue> {
    this.guard();
    const { commands, membership, wakeUp, tidings } = this.parts;
    const shard = this.shardOf(sagaId);
    const { answer } = await commands.ask(membership.node, shard, sagaId, command);
    wakeUp.tell(`s${shard}`);
    tidings.begin();
    return await answer;
  }

  async settled(sagaId: string, signal: AbortSignal | undefined): Promise<SagaState> {
    this.guard();
    this.parts.tidings.begin();
    return await this.parts.watch.settled(sagaId, signal);
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    return await this.parts.reader.records(this.shardOf(sagaId), sagaId);
  }

  async history(sagaId: string): Promise<readonly PlacedRecord[]> {
    this.guard();
    return await this.parts.reader.history(this.shardOf(sagaId), sagaId);
  }

  async *after(position: Position): AsyncGenerator<PlacedRecord> {
    this.guard();
    yield* this.parts.after(position);
  }

  async state(sagaId: string): Promise<SagaState | undefined> {
    this.guard();
    return await this.parts.reader.state(this.shardOf(sagaId), sagaId);
  }

  async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    return await this.parts.reader.list(filter);
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    const { queue, membership, tidings, commands, watch, wakeUp, housekeeping } = this.parts;
    commands.close();
    watch.close();
    await tidings.close();
    await housekeeping.close();
    await queue.idle();
    await membership.leave();
    // Who is there takes what is free now, and not only with its next beat.
    if (this.joined) wakeUp.tell('f');
    await wakeUp.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private guard(): void {
    if (this.closing !== undefined) throw new JournalClosedError();
  }
}
