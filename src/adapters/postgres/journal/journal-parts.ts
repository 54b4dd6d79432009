import type { PlacedRecord, Position } from '../../../journal/journal.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import { currentSchema, quoteSchema } from '../schema/migrate.ts';
import { AppendQueue } from './append-queue.ts';
import { CommandBox } from './command-box.ts';
import { Housekeeping } from './housekeeping.ts';
import { Membership } from './membership.ts';
import { type LeaseTerms, NodeLease } from './node-lease.ts';
import type { ResolvedPostgresOptions } from './postgres-journal-options.ts';
import { recordsAfter } from './records-after.ts';
import { SagaReader } from './saga-reader.ts';
import { SettledWatch } from './settled-watch.ts';
import { shardOf } from './shard-of.ts';
import { StatementLine } from './statement-line.ts';
import { StoreClock } from './store-clock.ts';
import { Tidings } from './tidings.ts';
import { WakeUp } from './wake-up.ts';

/** What a journal is made of. */
export interface JournalParts {
  readonly schema: string;
  readonly shards: number;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  readonly random: Random;
  readonly queue: AppendQueue;
  readonly reader: SagaReader;
  readonly after: (position: Position) => AsyncIterable<PlacedRecord>;
  readonly membership: Membership;
  readonly commands: CommandBox;
  readonly watch: SettledWatch;
  readonly wakeUp: WakeUp;
  readonly tidings: Tidings;
  readonly housekeeping: Housekeeping;
  readonly onSettled: (shard: number) => void;
}

/**
 * Puts a journal together and begins the life of its node. Of at most eight connections two write (or as many as it is
 * told), one keeps the lease, one listens, one carries hints and what others ask, and three read.
 */
export async function journalParts(options: ResolvedPostgresOptions): Promise<JournalParts> {
  const { pool, clock, random, leaseMs, pollMs } = options;
  const schema = quoteSchema(options.schema);
  const line = (connections: number, timeoutMs = options.answerWithinMs): StatementLine =>
    new StatementLine(pool, clock, { connections, timeoutMs });
  const [reads, talk] = [line(3), line(1)];
  // A renewal that takes as long as the time between two is one that failed.
  const leaseLine = line(1, Math.min(options.answerWithinMs, leaseMs / 3));
  const [row] = await reads.run<{ readonly shards: number; readonly at: number }>(
    `SELECT count(*)::integer AS shards, ${schema}.now_ms() AS at FROM ${schema}.shard`,
  );
  const { shards = 0, at = 0 } = row ?? {};
  const storeClock = new StoreClock(clock);
  storeClock.heard(at);
  const queue = new AppendQueue(schema, line(options.appendConnections), clock, options);
  const reader = new SagaReader(schema, reads);
  const watch = new SettledWatch(reader, (id) => shardOf(id, shards));
  const commands = new CommandBox(schema, talk, clock, options.ownerAnswersWithinMs);
  const channel = `"makegood ${options.schema}"`;
  const onHints = (hints: readonly string[]): void => tidings.heed(hints);
  const wakeUp = new WakeUp({ pool, line: talk, clock, random, channel, onHints });
  const after = (position: Position): AsyncIterable<PlacedRecord> => recordsAfter(schema, reads, clock, position);
  const onSettled = (shard: number): void => {
    if (!membership.isAlone) wakeUp.tell(`e${shard}`);
  };
  const terms: LeaseTerms = {
    schema,
    line: leaseLine,
    clock,
    ttlMs: leaseMs,
    onTime: (time) => storeClock.heard(time),
  };
  const shared = { queue, reader, random, after, onSettled };
  const version = `schema ${currentSchema}`;
  const lease = await NodeLease.begin(terms, options.node, version);
  const membership = new Membership({ ...shared, terms, node: options.node, version, wakeUp }, lease);
  const housekeeping = new Housekeeping(schema, talk, options);
  const tidings = new Tidings({
    schema,
    line: talk,
    reader,
    clock,
    random,
    pollMs,
    membership,
    commands,
    watch,
    wakeUp,
  });
  return {
    ...shared,
    schema: options.schema,
    shards,
    leaseMs,
    clock,
    storeClock,
    membership,
    commands,
    watch,
    wakeUp,
    tidings,
    housekeeping,
  };
}
