import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import type { WalFailedError } from './wal-errors.ts';
import type { Lsn, WalEntry, WalRecord } from './wal-record.ts';

/** An unfinished write at the end of the log, as a crash leaves it. Nothing in it was ever acknowledged. */
export interface WalTornTail {
  readonly file: string;
  /** Byte offset in the file at which it begins. */
  readonly offset: number;
  readonly bytes: number;
  /** The file into which its bytes were put aside before they were zeroed. */
  readonly savedTo: string;
}

/** What opening a log found. */
export interface WalRecovery {
  /** Bytes of whole batches that were read. */
  readonly bytes: number;
  readonly records: number;
  readonly segments: number;
  /** The log was closed in an orderly way, or is new. */
  readonly clean: boolean;
  readonly tornTail: WalTornTail | undefined;
  readonly durationMs: number;
}

/** Bounds of what {@link openWal} gathers into one flush and lets wait. */
export interface WalFlushOptions {
  /** Bytes gathered into one batch before later appends wait for the next. Two such buffers are held. Default 1 MiB. */
  readonly maxBatchBytes?: number;
  /** Records gathered into one batch. Default 16,384. */
  readonly maxBatchRecords?: number;
  /** Appends that may wait for room in a batch; beyond, they are refused with `WalOverloadedError`. Default 1,000,000. */
  readonly maxWaitingAppends?: number;
  /** Bytes of the appends that may wait. Default 256 MiB. */
  readonly maxWaitingBytes?: number;
}

/** Options of {@link openWal}. */
export interface WalOptions {
  /**
   * Size of a segment file: a multiple of 4,096, from 8 KiB to 1 GiB. Chosen when the log is created; an existing log
   * keeps its own. Default 64 MiB.
   */
  readonly segmentBytes?: number;
  readonly flush?: WalFlushOptions;
  /** Default the machine's own. */
  readonly files?: Files;
  /** Default the machine's own. */
  readonly clock?: Clock;
  /** Where the log's id and the salts of its segments come from. Default `cryptoRandom`. */
  readonly random?: Random;
  /** Is told `wal.recovered`, `wal.torn-tail`, `wal.segment` and `wal.failed`. Default nobody. */
  readonly observer?: Observer;
  /**
   * Is given every record in order while the log is opened, so that nobody reads it twice. The record's payload is a
   * view that holds only during the call. What it throws ends the opening and rejects it. Default nobody.
   */
  readonly onRecord?: (record: WalRecord) => void;
}

/** A write-ahead log: records made durable in one order, by one writer. */
export interface Wal {
  /**
   * Writes entries behind everything appended before. All entries of one call land in one batch: all of them or none
   * survive a crash. They must not be changed before the promise settles.
   *
   * @returns the position of the first entry, only when all are durable. Calls resolve in the order they were made.
   * @throws {TypeError} when an entry is not of the stated shape.
   * @throws {RangeError} when there is none, an id is too long, or the entries do not fit into one segment.
   * @throws {WalFailedError} when the log failed, now or before.
   * @throws {WalOverloadedError} when too much waits already.
   * @throws {WalClosedError} after `close`.
   */
  append(entries: readonly WalEntry[]): Promise<Lsn>;
  /**
   * Durable records in order, beginning at a record or at an earlier {@link Wal.durableLsn}; ends at the newest record
   * that is durable when it gets there.
   *
   * @param from Default the beginning.
   * @throws {RangeError} when no record begins at `from`.
   * @throws {WalCorruptError} when a record is not what was written.
   */
  read(from?: Lsn): AsyncIterable<WalRecord>;
  /** One durable record, its checksum verified. Rejects as `read` throws. */
  readAt(lsn: Lsn): Promise<WalRecord>;
  /** What opening found. */
  readonly recovered: WalRecovery;
  /** Everything before this position is durable; the next record stands at or behind it. */
  readonly durableLsn: Lsn;
  /** Set once a write or sync failed; from then on every append rejects with it. */
  readonly failed: WalFailedError | undefined;
  /** Writes out what was appended, seals the log and gives the lock back. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
