import type { WalCheckpoint } from './wal-checkpoint.ts';

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
  /** The checkpoint that reading began at; `undefined`: it began at the first segment. */
  readonly checkpoint: WalCheckpoint | undefined;
  /** Bytes of whole batches that were read behind it. */
  readonly bytes: number;
  readonly records: number;
  readonly segments: number;
  /** The log was closed in an orderly way, or is new. */
  readonly clean: boolean;
  readonly tornTail: WalTornTail | undefined;
  readonly durationMs: number;
}
