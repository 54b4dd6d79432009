import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { cryptoRandom, type Random } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { systemFiles } from '../ports/system-files.ts';
import { assertLittleEndian } from './frame-buffer.ts';
import { type FlushBounds, GroupCommit } from './group-commit.ts';
import { LogReader } from './log-reader.ts';
import { LogWriter } from './log-writer.ts';
import { type LogFolder, openLogFolder } from './log-folder.ts';
import { scanLog } from './recovery.ts';
import { repairTail } from './tail-repair.ts';
import { WalClosedError, type WalFailedError } from './wal-errors.ts';
import type { Lsn, WalEntry, WalRecord } from './wal-record.ts';
import type { WalRecovery } from './wal-recovery.ts';

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
  /** Is told `wal.recovered`, `wal.torn-tail` and `wal.failed`. Default nobody. */
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

/** What {@link openWal} does when it is not told otherwise. */
export const walDefaults: {
  readonly segmentBytes: number;
  readonly flush: Readonly<Required<WalFlushOptions>>;
} = Object.freeze({
  segmentBytes: 64 * 1024 * 1024,
  flush: Object.freeze({
    maxBatchBytes: 1024 * 1024,
    maxBatchRecords: 16_384,
    maxWaitingAppends: 1_000_000,
    maxWaitingBytes: 256 * 1024 * 1024,
  }),
});

const smallestSegmentBytes = 8 * 1024;
const largestSegmentBytes = 1024 * 1024 * 1024;

function checkInteger(value: number, name: string, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`Expected ${name} to be an integer from ${least} to ${most}, got ${value}`);
}

function resolveFlush(options: WalFlushOptions): FlushBounds {
  const { maxBatchBytes, maxBatchRecords, maxWaitingAppends, maxWaitingBytes } = { ...walDefaults.flush, ...options };
  return {
    // Rounded to whole records' alignment, so that a buffer of that size can be viewed as words.
    maxBatchBytes: checkInteger(maxBatchBytes, 'flush.maxBatchBytes', 1024, largestSegmentBytes) & ~7,
    maxBatchRecords: checkInteger(maxBatchRecords, 'flush.maxBatchRecords', 1, 2 ** 31 - 1),
    maxWaitingAppends: checkInteger(maxWaitingAppends, 'flush.maxWaitingAppends', 0, Number.MAX_SAFE_INTEGER),
    maxWaitingBytes: checkInteger(maxWaitingBytes, 'flush.maxWaitingBytes', 0, Number.MAX_SAFE_INTEGER),
  };
}

class SegmentedWal implements Wal {
  readonly recovered: WalRecovery;
  private readonly path: string;
  private readonly commit: GroupCommit;
  private readonly writer: LogWriter;
  private readonly reader: LogReader;
  private readonly releaseLock: () => Promise<void>;
  private closing: Promise<void> | undefined;

  constructor(
    path: string,
    recovered: WalRecovery,
    commit: GroupCommit,
    writer: LogWriter,
    reader: LogReader,
    releaseLock: () => Promise<void>,
  ) {
    this.path = path;
    this.recovered = recovered;
    this.commit = commit;
    this.writer = writer;
    this.reader = reader;
    this.releaseLock = releaseLock;
  }

  get durableLsn(): Lsn {
    return this.commit.durableLsn;
  }

  get failed(): WalFailedError | undefined {
    return this.commit.failed;
  }

  append(entries: readonly WalEntry[]): Promise<Lsn> {
    return this.closing === undefined ? this.commit.append(entries) : Promise.reject(new WalClosedError(this.path));
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

/** Reads what is there, mends its end, and makes it ready to be written. */
async function startWal(
  folder: LogFolder,
  flush: FlushBounds,
  clock: Clock,
  options: WalOptions,
  releaseLock: () => Promise<void>,
): Promise<Wal> {
  const { observer } = options;
  const startedMs = clock.monotonicMs();
  const scanned = await scanLog(folder, options.onRecord);
  const tornTail = await repairTail(folder, scanned);
  const writer = new LogWriter(folder, clock, scanned.endLsn, scanned.previousCrc);
  try {
    await writer.writeDurableMark();
  } catch (error) {
    await writer.close();
    throw error;
  }
  const recovered: WalRecovery = {
    bytes: scanned.bytes,
    records: scanned.records,
    segments: folder.segments.size,
    clean: scanned.sealed || scanned.lastFrame === undefined,
    tornTail,
    durationMs: clock.monotonicMs() - startedMs,
  };
  if (tornTail !== undefined) notify(observer, { type: 'wal.torn-tail', path: folder.path, ...tornTail });
  notify(observer, { type: 'wal.recovered', path: folder.path, ...recovered });
  const commit = new GroupCommit(folder.path, writer, clock, flush, (error) =>
    notify(observer, { type: 'wal.failed', path: folder.path, error }),
  );
  return new SegmentedWal(
    folder.path,
    recovered,
    commit,
    writer,
    new LogReader(folder, () => commit.durableLsn),
    releaseLock,
  );
}

/**
 * Opens the write-ahead log in a folder, which is made when it is not there, and reads it once from its beginning.
 *
 * A write that a crash cut short is reported in `recovered.tornTail`, put aside and cleared. Anything else that is not
 * as it was written is an error, and then nothing on the disk is changed.
 *
 * @param path the folder; one opener at a time, of all processes.
 * @param options.segmentBytes size of a segment of a new log, in bytes. Default 64 MiB.
 * @param options.onRecord is given every record in order meanwhile. Default nobody.
 * @returns the log, to be closed: `await using wal = await openWal(path)`.
 * @throws {FileLockedError} when another opener has the folder.
 * @throws {WalCorruptError} when bytes that were durable are not what was written.
 * @throws {WalReadError} when the disk refuses to give bytes back.
 * @throws {RangeError} when an option is out of its bounds.
 * @example
 * const { mkdtemp } = await import('node:fs/promises');
 * await using wal = await openWal(await mkdtemp('/tmp/makegood-'), { segmentBytes: 65_536 });
 * const lsn = await wal.append([{ kind: 1, state: 0, timestamp: 0, txId: 'order-1', stepId: '', payload: 'durable' }]);
 * new TextDecoder().decode((await wal.readAt(lsn)).payload) // => 'durable'
 */
export async function openWal(path: string, options: WalOptions = {}): Promise<Wal> {
  assertLittleEndian();
  const {
    segmentBytes = walDefaults.segmentBytes,
    files = systemFiles,
    clock = systemClock,
    random = cryptoRandom,
  } = options;
  checkInteger(segmentBytes, 'segmentBytes', smallestSegmentBytes, largestSegmentBytes);
  if (segmentBytes % 4096 !== 0)
    throw new RangeError(`Expected segmentBytes to be a multiple of 4096, got ${segmentBytes}`);
  const flush = resolveFlush(options.flush ?? {});
  await files.makeDirectory(path);
  const lock = await files.lock(`${path}/LOCK`);
  try {
    const folder = await openLogFolder(path, { segmentBytes, files, clock, random });
    return await startWal(folder, flush, clock, options, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}
