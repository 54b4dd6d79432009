import type { WalCheckpoint } from './wal-checkpoint.ts';
import type { WalCorruptError, WalFailedError, WalReadError } from './wal-errors.ts';
import type { Lsn } from './wal-record.ts';
import type { WalRecovery, WalTornTail } from './wal-recovery.ts';

/** What a log tells its observer. `path` is its folder. */
export type WalEvent =
  /** The log was opened; this is what was found. */
  | ({ readonly type: 'wal.recovered'; readonly path: string } & WalRecovery)
  /** A write that a crash had cut short was found at the end, put aside and cleared. */
  | ({ readonly type: 'wal.torn-tail'; readonly path: string } & WalTornTail)
  /** A write or sync failed; every append rejects until the log is opened again. */
  | { readonly type: 'wal.failed'; readonly path: string; readonly error: WalFailedError }
  /** The disk has no room for the next segment; the log goes on in what was laid in reserve. */
  | { readonly type: 'wal.full'; readonly path: string; readonly error: unknown }
  /** The reserve is used up too: appends wait for room. */
  | { readonly type: 'wal.exhausted'; readonly path: string; readonly error: unknown }
  /** There is room again, and a reserve. */
  | { readonly type: 'wal.space'; readonly path: string }
  /** A checkpoint is on the disk, after `durationMs`. */
  | ({ readonly type: 'wal.checkpoint'; readonly path: string; readonly durationMs: number } & WalCheckpoint)
  /** A checkpoint is not as it was written; the one before is used, or the log from its first segment. */
  | {
      readonly type: 'wal.checkpoint-damaged';
      readonly path: string;
      readonly file: string;
      readonly error: WalCorruptError | WalReadError;
    }
  /** Segments that nothing needs any more were removed; the log begins at `firstLsn`. */
  | { readonly type: 'wal.trimmed'; readonly path: string; readonly segments: number; readonly firstLsn: Lsn };
