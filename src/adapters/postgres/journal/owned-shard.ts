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
import type { ShardJournal } from '../../../journal/shared-journal.ts';
import { isTerminal } from '../../../saga/status.ts';
import type { SagaRecord } from '../../../saga/record.ts';
import type { SagaState } from '../../../saga/state.ts';
import type { Random } from '../../../ports/random.ts';
import type { AppendQueue } from './append-queue.ts';
import { type Hold, PendingWrite } from './pending-write.ts';
import type { SagaReader } from './saga-reader.ts';
import { factsOf } from './write-facts.ts';

/** What a shard shares with the others of its node. */
export interface ShardParts {
  readonly queue: AppendQueue;
  readonly reader: SagaReader;
  readonly random: Random;
  /** Whether the node's lease is running for certain. */
  readonly mayAct: () => boolean;
  /** The records of all sagas behind a position. */
  readonly after: (position: Position) => AsyncIterable<PlacedRecord>;
  /** Gives the shard to whoever wants it. */
  readonly release: (hold: Hold) => Promise<void>;
  /** Told when a saga of the shard has settled. */
  readonly onSettled: (shard: number) => void;
}

/** The sagas of one shard, while it is owned here. */
export class OwnedShard implements ShardJournal {
  readonly shard: number;
  readonly epoch: number;
  private readonly hold: Hold;
  private readonly parts: ShardParts;
  readonly unreadable: UnreadableSaga[] = [];
  private told = false;
  private closing: Promise<void> | undefined;

  constructor(hold: Hold, parts: ShardParts) {
    this.shard = hold.shard;
    this.epoch = hold.epoch;
    this.hold = hold;
    this.parts = parts;
  }

  get mayAct(): boolean {
    return this.hold.lost === undefined && this.parts.mayAct();
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    const { queue, reader } = this.parts;
    const { expectedSeq, state, allowReuse, asked } = condition;
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    // One that was placed here before the shard was owned, say: not refused, since nothing of it may be on record yet.
    await queue.settled(sagaId);
    const append = { shard: this.shard, sagaId, records, expectedSeq, allowReuse, asked };
    const known = expectedSeq === 0 || state !== undefined;
    const before = known ? 'running' : ((await reader.standing(this.shard, sagaId))?.status ?? 'running');
    const facts = factsOf(append, before, state);
    const write = new PendingWrite(facts, this.hold, newTag(this.parts.random));
    queue.add(write);
    const position = await write.durable;
    if (isTerminal(facts.status) || facts.status === 'needs-human') this.parts.onSettled(this.shard);
    return position;
  }

  async *open(): AsyncGenerator<SagaState> {
    this.guard();
    if (this.told) return;
    this.told = true;
    for await (const found of this.parts.reader.unfinished(this.shard)) {
      if ('damage' in found) this.unreadable.push(found);
      else yield found;
    }
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    return await this.parts.reader.records(this.shard, sagaId);
  }

  async history(sagaId: string): Promise<readonly PlacedRecord[]> {
    this.guard();
    return await this.parts.reader.history(this.shard, sagaId);
  }

  after(position: Position): AsyncIterable<PlacedRecord> {
    this.guard();
    return this.parts.after(position);
  }

  async state(sagaId: string): Promise<SagaState | undefined> {
    this.guard();
    return await this.parts.reader.state(this.shard, sagaId);
  }

  async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    return await this.parts.reader.list(filter);
  }

  close(): Promise<void> {
    this.closing ??= this.parts.release(this.hold);
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private guard(): void {
    if (this.closing !== undefined) throw new JournalClosedError();
  }
}

/** A number by which an append is known again. */
export function newTag(random: Random): string {
  return String(Math.floor(random() * Number.MAX_SAFE_INTEGER));
}
