import {
  type AppendCondition,
  AppendConflictError,
  type Journal,
  JournalClosedError,
  type PlacedRecord,
  type Position,
  type SagaFilter,
  type SagaPage,
  StaleEpochError,
} from '../../../journal/journal.ts';
import type { SagaRecord } from '../../../saga/record.ts';
import type { SagaState } from '../../../saga/state.ts';
import { sleepMs } from '../../../time/sleep.ts';
import { NotDurableError } from '../postgres-saga-first-store.ts';
import { checkSchema, currentSchema, migratePostgres, quoteSchema } from '../schema/migrate.ts';
import { AppendQueue } from './append-queue.ts';
import { JournalHeldError } from './journal-held-error.ts';
import { type LeaseTerms, NodeLease } from './node-lease.ts';
import { type Hold, PendingWrite } from './pending-write.ts';
import {
  type PostgresJournalOptions,
  type ResolvedPostgresOptions,
  resolvePostgresOptions,
} from './postgres-journal-options.ts';
import { recordsAfter } from './records-after.ts';
import { SagaReader } from './saga-reader.ts';
import { ShardKeeper } from './shard-keeper.ts';
import { shardOf } from './shard-of.ts';
import { StatementLine } from './statement-line.ts';
import { factsOf } from './write-facts.ts';

const ignore = (): void => undefined;

/** The whole journal in the hands of one opener, who takes every shard of it under one epoch. */
class PostgresJournal implements Journal {
  readonly epoch: number;
  private readonly options: ResolvedPostgresOptions;
  private readonly shards: number;
  private readonly queue: AppendQueue;
  private readonly reads: StatementLine;
  private readonly reader: SagaReader;
  private readonly keeper: ShardKeeper;
  private readonly beating: Promise<void>;
  private owning: Promise<void> | undefined;
  private told = false;
  private closing: Promise<void> | undefined;

  constructor(options: ResolvedPostgresOptions, shards: number, lease: NodeLease) {
    const { pool, clock, answerWithinMs: timeoutMs, leaseMs } = options;
    const schema = quoteSchema(options.schema);
    const line = (connections: number): StatementLine => new StatementLine(pool, clock, { connections, timeoutMs });
    this.options = options;
    this.shards = shards;
    this.epoch = lease.id;
    this.queue = new AppendQueue(schema, line(1), clock, options);
    this.queue.node = lease.id;
    this.reads = line(4);
    this.reader = new SagaReader(schema, this.reads);
    this.keeper = new ShardKeeper(lease, clock, leaseMs, {
      gained: ignore,
      lost: ignore,
      excess: ignore,
      ended: ignore,
    });
    this.beating = this.keeper.beat();
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    const { expectedSeq, state, allowReuse } = condition;
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    const shard = shardOf(sagaId, this.shards);
    const hold = this.keeper.holds.get(shard) ?? (await this.takeShard(shard));
    if (this.queue.has(sagaId)) throw new AppendConflictError(sagaId, expectedSeq, expectedSeq);
    const append = { shard, sagaId, records, expectedSeq, allowReuse };
    const write = (before: SagaState['status']): Promise<Position> => {
      const pending = new PendingWrite(factsOf(append, before, state), hold, newTag(this.options.random));
      this.queue.add(pending);
      return pending.durable;
    };
    if (expectedSeq === 0 || state !== undefined) return await write('running');
    return await write((await this.reader.standing(shard, sagaId))?.status ?? 'running');
  }

  /** Waits until every shard is owned here, and no longer than their owners may live on without a word. */
  private async takeShard(shard: number): Promise<Hold> {
    this.owning ??= this.takeAll();
    await this.owning;
    const hold = this.keeper.holds.get(shard);
    if (hold === undefined) throw new StaleEpochError(this.epoch, this.epoch + 1);
    return hold;
  }

  private async takeAll(): Promise<void> {
    const { clock, leaseMs, schema } = this.options;
    const endMs = clock.monotonicMs() + 1.5 * leaseMs;
    for (;;) {
      const tended = await this.keeper.tend();
      const missing = this.shards - this.keeper.holds.size;
      if (missing === 0 || tended === undefined) return;
      if (clock.monotonicMs() > endMs) throw new JournalHeldError(schema, missing, tended.nodes);
      await sleepMs(leaseMs / 30, clock, undefined);
    }
  }

  async *open(): AsyncGenerator<SagaState> {
    this.guard();
    if (this.told) return;
    this.told = true;
    for (let shard = 0; shard < this.shards; shard++) {
      await this.takeShard(shard);
      yield* this.reader.unfinished(shard);
    }
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    return await this.reader.records(shardOf(sagaId, this.shards), sagaId);
  }

  async history(sagaId: string): Promise<readonly PlacedRecord[]> {
    this.guard();
    return await this.reader.history(shardOf(sagaId, this.shards), sagaId);
  }

  async *after(position: Position): AsyncGenerator<PlacedRecord> {
    this.guard();
    yield* recordsAfter(quoteSchema(this.options.schema), this.reads, this.options.clock, position);
  }

  async state(sagaId: string): Promise<SagaState | undefined> {
    this.guard();
    return await this.reader.state(shardOf(sagaId, this.shards), sagaId);
  }

  async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    return await this.reader.list(filter);
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    await this.queue.idle();
    await this.keeper.leave();
    await this.beating;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private guard(): void {
    if (this.closing !== undefined) throw new JournalClosedError();
  }
}

function newTag(random: () => number): string {
  return String(Math.floor(random() * Number.MAX_SAFE_INTEGER));
}

async function refuseForgetful(line: StatementLine): Promise<void> {
  const [row] = await line.run<{ readonly synchronous_commit: string }>('SHOW synchronous_commit');
  if (row?.synchronous_commit === 'off') throw new NotDurableError('synchronous_commit', 'off');
}

/**
 * Opens a journal in a PostgreSQL database, which any number of nodes may share: each owns a part of the sagas for as long
 * as it says that it lives, and what a node writes that has lost them is refused by the database.
 *
 * @param options.pool a `pg` pool with room for 8 connections; the journal does not end it. A pooler in transaction mode
 *   may stand between: nothing here depends on a session.
 * @returns a journal whose `append` resolves only after the records are committed.
 * @throws {NotDurableError} when the server acknowledges before it is durable (`synchronous_commit = off`).
 * @throws {SchemaMismatchError} when the schema is not one that this version works with.
 * @throws {RangeError | TypeError} when an option is out of its bounds.
 * @example
 * ```ts no-run
 * await using journal = await openPostgresJournal({ pool: new Pool({ connectionString, max: 8 }) });
 * await using tempo = await openTempo({ journal, sagas: [placeOrder] });
 * ```
 */
export async function openPostgresJournal(options: PostgresJournalOptions): Promise<Journal> {
  const resolved = resolvePostgresOptions(options);
  const { pool, clock, answerWithinMs: timeoutMs, leaseMs: ttlMs } = resolved;
  const schema = quoteSchema(resolved.schema);
  const line = new StatementLine(pool, clock, { connections: 1, timeoutMs });
  await refuseForgetful(line);
  if (resolved.migrate) await migratePostgres(resolved);
  else await checkSchema(pool, resolved.schema);
  const [row] = await line.run<{ readonly count: number }>(`SELECT count(*)::integer AS count FROM ${schema}.shard`);
  const terms: LeaseTerms = { schema, line, clock, ttlMs, sole: true };
  const lease = await NodeLease.begin(terms, resolved.node, `schema ${currentSchema}`);
  return new PostgresJournal(resolved, row?.count ?? 0, lease);
}
