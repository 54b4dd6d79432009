import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { Observer } from '../ports/observer.ts';
import { cryptoRandom, type Random } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { systemFiles } from '../ports/system-files.ts';
import type { FlushBounds } from './group-commit.ts';
import type { WalEvent } from './wal-events.ts';
import type { WalRecord } from './wal-record.ts';

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
  /**
   * Bounds of what is gathered into one flush, or `'inline'`: an append that finds nothing in flight is written before it
   * returns, which saves a script that appends one thing at a time the way through the thread pool, and blocks everything
   * else in the process meanwhile. Default {@link walDefaults}.
   */
  readonly flush?: WalFlushOptions | 'inline';
  /** Default the machine's own. */
  readonly files?: Files;
  /** Default the machine's own. */
  readonly clock?: Clock;
  /** Where the log's id and the salts of its segments come from. Default `cryptoRandom`. */
  readonly random?: Random;
  /**
   * Is told `wal.recovered`, `wal.torn-tail`, `wal.failed`, `wal.checkpoint`, `wal.checkpoint-damaged`, `wal.trimmed`,
   * `wal.full`, `wal.exhausted` and `wal.space`. Default nobody.
   */
  readonly observer?: Observer<WalEvent>;
  /**
   * Is given every record of the newest whole checkpoint, if there is one, before `onRecord` is given those behind it.
   * The same holds for its payload and for what it throws. Default nobody.
   */
  readonly onCheckpoint?: (record: WalRecord) => void;
  /**
   * Is given every record in order while the log is opened, so that nobody reads it twice: all of them, or
   * those behind the checkpoint. The record's payload is a
   * view that holds only during the call. What it throws ends the opening and rejects it. Default nobody.
   */
  readonly onRecord?: (record: WalRecord) => void;
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

function resolveFlush(flush: WalFlushOptions | 'inline'): FlushBounds {
  const inline = flush === 'inline';
  const options = inline ? {} : flush;
  const { maxBatchBytes, maxBatchRecords, maxWaitingAppends, maxWaitingBytes } = { ...walDefaults.flush, ...options };
  return {
    inline,
    // Rounded to whole records' alignment, so that a buffer of that size can be viewed as words.
    maxBatchBytes: checkInteger(maxBatchBytes, 'flush.maxBatchBytes', 1024, largestSegmentBytes) & ~7,
    maxBatchRecords: checkInteger(maxBatchRecords, 'flush.maxBatchRecords', 1, 2 ** 31 - 1),
    maxWaitingAppends: checkInteger(maxWaitingAppends, 'flush.maxWaitingAppends', 0, Number.MAX_SAFE_INTEGER),
    maxWaitingBytes: checkInteger(maxWaitingBytes, 'flush.maxWaitingBytes', 0, Number.MAX_SAFE_INTEGER),
  };
}

/** The options of a log, checked, with what was left out filled in. */
export type ResolvedWalOptions = Required<Pick<WalOptions, 'segmentBytes' | 'files' | 'clock' | 'random'>> &
  Pick<WalOptions, 'observer' | 'onRecord' | 'onCheckpoint'> & { readonly flush: FlushBounds };

/** @throws {RangeError} when one is out of its bounds. */
export function resolveWalOptions(options: WalOptions): ResolvedWalOptions {
  const { segmentBytes = walDefaults.segmentBytes } = options;
  checkInteger(segmentBytes, 'segmentBytes', smallestSegmentBytes, largestSegmentBytes);
  if (segmentBytes % 4096 !== 0)
    throw new RangeError(`Expected segmentBytes to be a multiple of 4096, got ${segmentBytes}`);
  const { files = systemFiles, clock = systemClock, random = cryptoRandom } = options;
  return { ...options, segmentBytes, files, clock, random, flush: resolveFlush(options.flush ?? {}) };
}
