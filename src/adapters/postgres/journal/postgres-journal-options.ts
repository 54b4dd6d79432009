import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import { systemRandom, uniqueId } from '../../../ports/random.ts';
import { systemClock } from '../../../ports/system-clock.ts';
import { type Duration, toMs } from '../../../time/duration.ts';
import type { PostgresPool } from '../postgres-client.ts';
import { migrateDefaults } from '../schema/migrate.ts';

/** Options of {@link openPostgresJournal}. */
export interface PostgresJournalOptions {
  /** A `pg` pool; of 8 connections it leaves none idle, of fewer it takes turns. The journal does not end it. */
  readonly pool: PostgresPool;
  /** The schema that holds the journal. Default `'makegood'`. */
  readonly schema?: string;
  /**
   * Whether to bring the schema up to date at opening; `false` when another role does that, and opening only checks.
   * Default true.
   */
  readonly migrate?: boolean;
  /** Into how many shards a new journal is divided, a power of two up to 1,024. Default 64. */
  readonly shards?: number;
  /**
   * A name of this node that no other has, and that it has again after a restart: its shards are then taken over at once
   * instead of when the lease is over. Default: one made by chance.
   */
  readonly node?: string;
  /** How long a node that says nothing keeps its shards. At least 1 s. Default `'10s'`. */
  readonly lease?: Duration;
  /** How long the server may take to answer a statement before the connection is given up. Default `'5s'`. */
  readonly answerWithin?: Duration;
  /**
   * How often what others have started and asked is looked for, where the hints that PostgreSQL carries between nodes do not
   * arrive; five times as long where they do. Default `'1s'`.
   */
  readonly pollEvery?: Duration;
  /** How long to wait for another node's answer about a saga that it owns. Default `'30s'`. */
  readonly ownerAnswersWithin?: Duration;
  /**
   * How long the records of finished sagas are kept; then the day on which they started is dropped, all its sagas together.
   * `Infinity`: for ever. Default `'30d'`.
   */
  readonly retention?: Duration;
  /** How long the id of a purged saga is refused to a new one. Default `'365d'`. */
  readonly tombstoneRetention?: Duration;
  /** Over how many connections appends travel, 1 to 4, each for shards of its own. Default 2. */
  readonly appendConnections?: number;
  /** At most so many appends in one statement; 1 makes one commit an append. Default 1,024. */
  readonly maxBatchAppends?: number;
  /** At most so many bytes in one statement, except that one append may be larger. Default 4 MiB. */
  readonly maxBatchBytes?: number;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
  /** Default {@link systemRandom}. */
  readonly random?: Random;
}

/** What {@link openPostgresJournal} does when it is not told otherwise. */
export const postgresJournalDefaults: Readonly<
  Required<
    Pick<
      PostgresJournalOptions,
      | 'schema'
      | 'migrate'
      | 'shards'
      | 'lease'
      | 'answerWithin'
      | 'pollEvery'
      | 'ownerAnswersWithin'
      | 'retention'
      | 'tombstoneRetention'
      | 'appendConnections'
      | 'maxBatchAppends'
      | 'maxBatchBytes'
    >
  >
> = Object.freeze({
  ...migrateDefaults,
  migrate: true,
  lease: '10s',
  answerWithin: '5s',
  pollEvery: '1s',
  ownerAnswersWithin: '30s',
  retention: '30d',
  tombstoneRetention: '365d',
  appendConnections: 2,
  maxBatchAppends: 1024,
  maxBatchBytes: 4 * 1024 * 1024,
});

/** The options, checked, with what was left out filled in. */
export interface ResolvedPostgresOptions {
  readonly pool: PostgresPool;
  readonly schema: string;
  readonly migrate: boolean;
  readonly shards: number;
  readonly node: string;
  readonly leaseMs: number;
  readonly answerWithinMs: number;
  readonly pollMs: number;
  readonly ownerAnswersWithinMs: number;
  readonly retentionMs: number;
  readonly tombstoneRetentionMs: number;
  readonly appendConnections: number;
  readonly maxBatchAppends: number;
  readonly maxBatchBytes: number;
  readonly clock: Clock;
  readonly random: Random;
}

function checkAtLeast(name: string, value: number, least: number, unit: string = ''): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new RangeError(`Expected ${name} to be at least ${least}${unit}, got ${value}`);
}

function checkCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`Expected ${name} to be an integer ≥ 1, got ${value}`);
}

function checkAtMost(name: string, value: number, most: number): number {
  if (value <= most) return value;
  throw new RangeError(`Expected ${name} to be at most ${most}, got ${value}`);
}

/** @throws {RangeError} @throws {TypeError} when one is out of its bounds. */
export function resolvePostgresOptions(options: PostgresJournalOptions): ResolvedPostgresOptions {
  const {
    pool,
    lease,
    answerWithin,
    pollEvery,
    ownerAnswersWithin,
    clock = systemClock,
    random = systemRandom,
    ...rest
  } = {
    ...postgresJournalDefaults,
    ...options,
  };
  if (typeof pool?.connect !== 'function')
    throw new TypeError(`Expected pool to be a pg pool with a connect function, got ${typeof pool}`);
  if (rest.node === '') throw new TypeError('Expected node to be a name, got ""');
  return {
    pool,
    schema: rest.schema,
    migrate: rest.migrate,
    shards: rest.shards,
    node: rest.node ?? uniqueId(),
    leaseMs: checkAtLeast('lease', toMs(lease, 'lease'), 1000, ' ms'),
    answerWithinMs: checkAtLeast('answerWithin', toMs(answerWithin, 'answerWithin'), 100, ' ms'),
    pollMs: checkAtLeast('pollEvery', toMs(pollEvery, 'pollEvery'), 10, ' ms'),
    ownerAnswersWithinMs: toMs(ownerAnswersWithin, 'ownerAnswersWithin'),
    retentionMs: toMs(rest.retention, 'retention', { allowInfinity: true }),
    tombstoneRetentionMs: toMs(rest.tombstoneRetention, 'tombstoneRetention', { allowInfinity: true }),
    appendConnections: checkAtMost('appendConnections', checkCount('appendConnections', rest.appendConnections), 4),
    maxBatchAppends: checkCount('maxBatchAppends', rest.maxBatchAppends),
    maxBatchBytes: checkCount('maxBatchBytes', rest.maxBatchBytes),
    clock,
    random,
  };
}
