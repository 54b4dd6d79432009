import type { WalWaiter } from './batch.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import type { GroupCommit } from './group-commit.ts';
import type { LogReader } from './log-reader.ts';
import type { LogWriter } from './log-writer.ts';
import type { WalCheckpoint, WalPoint } from './wal-checkpoint.ts';
import { WalClosedError, type WalFailedError } from './wal-errors.ts';
import type { Lsn, WalEntry, WalRecord, WalRecordBytes, WalStretch } from './wal-record.ts';
import type { WalRecovery } from './wal-recovery.ts';

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
   * As `append`, with callbacks: `resolve` is called in the order of the log and in the turn in which `durableLsn` moves,
   * so that a state which it changes is never behind the log. It must not throw.
   */
  appendWith(entries: readonly WalEntry[], waiter: WalWaiter): void;
  /**
   * Durable records in order, beginning at a record or at an earlier {@link Wal.durableLsn}; ends at the newest record
   * that is durable when it gets there.
   *
   * @param from Default the beginning of what is kept.
   * @throws {RangeError} when no record begins at `from`.
   * @throws {WalCorruptError} when a record is not what was written.
   */
  read(from?: Lsn): AsyncIterable<WalRecord>;
  /** One durable record, its checksum verified. Rejects as `read` throws. */
  readAt(lsn: Lsn): Promise<WalRecord>;
  /**
   * Writes down what the owner holds at a point of the log, in a file of its own: from then on, opening begins there. The
   * two newest checkpoints are kept. Entries are taken one at a time, a block of some 256 KiB between two turns of the
   * event loop, while appends go on.
   *
   * @param at the point at which the entries are true: `point`, read in the same turn in which the state was fixed.
   * @param entries whatever the owner needs to begin anew; given to `onCheckpoint`.
   * @throws {RangeError} when the point is not of this log. Rejects with what the disk says, and then nothing has changed.
   */
  checkpoint(at: WalPoint, entries: Iterable<WalEntry>): Promise<WalCheckpoint>;
  /**
   * Removes the segments that lie wholly before `lsn` and before the older of the two checkpoints, which is read first to
   * see that it is whole. Without two checkpoints nothing is removed.
   *
   * @returns where the log begins now.
   */
  trimBefore(lsn: Lsn): Promise<Lsn>;
  /**
   * Hands out durable records as bytes, to be copied elsewhere; each is verified by its checksum.
   *
   * @returns the place between two batches where it ended: `to`, or one before it.
   * @throws {WalCorruptError} when a record is not what was written.
   */
  scan(stretch: WalStretch, visit: (record: WalRecordBytes) => void): Promise<Lsn>;
  /** Sixteen random bytes that tell this log from every other. */
  readonly id: Uint8Array;
  /** Size of a segment file of this log. */
  readonly segmentBytes: number;
  /** Positions of the checkpoints that opening may begin at, newest first. */
  readonly checkpoints: readonly Lsn[];
  /** Where the log begins; what stood before was removed. */
  readonly firstLsn: Lsn;
  /** The end of what is durable, to make a checkpoint at. */
  readonly point: WalPoint;
  /** What opening found. */
  readonly recovered: WalRecovery;
  /** Everything before this position is durable; the next record stands at or behind it. */
  readonly durableLsn: Lsn;
  /**
   * Whether the disk had no room for the next segment. Appends go on in what was prepared; who can wait should, until it is
   * `false` again, which it is by itself within a second or two of there being space. When what was prepared is used up too,
   * appends wait for space, as many as `flush.maxWaitingAppends` and `flush.maxWaitingBytes` allow.
   */
  readonly full: boolean;
  /** Set once a write or sync failed; from then on every append rejects with it. */
  readonly failed: WalFailedError | undefined;
  /** Writes out what was appended, seals the log and gives the lock back. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @internal */
export class SegmentedWal implements Wal {
  readonly recovered: WalRecovery;
  private readonly path: string;
  private readonly commit: GroupCommit;
  private readonly writer: LogWriter;
  private readonly reader: LogReader;
  private readonly releaseLock: () => Promise<void>;
  private readonly keeper: CheckpointKeeper;
  private closing: Promise<void> | undefined;

  constructor(parts: {
    readonly path: string;
    readonly recovered: WalRecovery;
    readonly commit: GroupCommit;
    readonly writer: LogWriter;
    readonly reader: LogReader;
    readonly keeper: CheckpointKeeper;
    readonly releaseLock: () => Promise<void>;
  }) {
    this.path = parts.path;
    this.recovered = parts.recovered;
    this.commit = parts.commit;
    this.writer = parts.writer;
    this.reader = parts.reader;
    this.keeper = parts.keeper;
    this.releaseLock = parts.releaseLock;
  }

  get id(): Uint8Array {
    return this.reader.journalId;
  }

  get segmentBytes(): number {
    return this.reader.segmentBytes;
  }

  get point(): WalPoint {
    return this.commit.point;
  }

  get firstLsn(): Lsn {
    return this.reader.firstLsn;
  }

  get checkpoints(): readonly Lsn[] {
    return this.keeper.lsns;
  }

  get durableLsn(): Lsn {
    return this.commit.durableLsn;
  }

  get full(): boolean {
    return this.writer.full;
  }

  get failed(): WalFailedError | undefined {
    return this.commit.failed;
  }

  append(entries: readonly WalEntry[]): Promise<Lsn> {
    return this.closing === undefined ? this.commit.append(entries) : Promise.reject(new WalClosedError(this.path));
  }

  appendWith(entries: readonly WalEntry[], waiter: WalWaiter): void {
    if (this.closing === undefined) this.commit.appendWith(entries, waiter);
    else waiter.reject(new WalClosedError(this.path));
  }

  async checkpoint(at: WalPoint, entries: Iterable<WalEntry>): Promise<WalCheckpoint> {
    this.guard();
    if (at.lsn > this.durableLsn || at.lsn < this.firstLsn)
      throw new RangeError(`Expected at to be a point from ${this.firstLsn} to ${this.durableLsn}, got ${at.lsn}`);
    return this.keeper.write(at, entries);
  }

  async trimBefore(lsn: Lsn): Promise<Lsn> {
    this.guard();
    await this.keeper.trimBefore(lsn, (seq) => this.reader.forgetBefore(seq));
    return this.firstLsn;
  }

  async scan(stretch: WalStretch, visit: (record: WalRecordBytes) => void): Promise<Lsn> {
    this.guard();
    return this.reader.scan(stretch, visit);
  }

  async *read(from?: Lsn): AsyncGenerator<WalRecord> {
    this.guard();
    for await (const record of this.reader.read(from)) {
      yield record;
      this.guard();
    }
  }

  async readAt(lsn: Lsn): Promise<WalRecord> {
    this.guard();
    return this.reader.readAt(lsn);
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async finish(): Promise<void> {
    try {
      this.writer.stopWaiting();
      await this.keeper.idle();
      await this.commit.idle();
      if (this.commit.failed === undefined) await this.writer.seal();
    } finally {
      await this.reader.close();
      await this.writer.close();
      await this.releaseLock();
    }
  }

  private guard(): void {
    if (this.closing !== undefined) throw new WalClosedError(this.path);
  }
}
