import type { Lsn } from './wal-record.ts';

/**
 * A place between two batches of a log, before which everything is durable. Opaque but for `lsn`: it is taken from
 * {@link Wal.point} and given to {@link Wal.checkpoint}.
 */
export interface WalPoint {
  readonly lsn: Lsn;
  /** Position of the last batch before it. */
  readonly lastFrameLsn: Lsn;
  /** What the next batch names as the one before it. */
  readonly previousCrc: number;
}

/** A checkpoint on the disk: what the owner of the log held at one position. */
export interface WalCheckpoint {
  readonly file: string;
  readonly lsn: Lsn;
  readonly records: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}
