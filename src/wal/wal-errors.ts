import { MakegoodError } from '../errors.ts';
import type { Lsn } from './wal-record.ts';

/**
 * Thrown by every append after a write or a sync of the log failed. The log takes nothing more: after a failed sync the
 * system may have dropped what it could not write and call the pages clean, so a second try proves nothing.
 *
 * @see Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020; PostgreSQL "fsyncgate", 2018.
 */
export class WalFailedError extends MakegoodError {
  /** The folder of the log. */
  readonly path: string;

  constructor(path: string, during: string, options: ErrorOptions) {
    const cause = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      'MAKEGOOD_WAL_FAILED',
      `write-ahead log "${path}" failed ${during} and takes no more appends: ${cause}; mend the disk, then open the log again`,
      options,
    );
    this.path = path;
  }
}

/** Thrown when the log is used after it was closed. */
export class WalClosedError extends MakegoodError {
  /** The folder of the log. */
  readonly path: string;

  constructor(path: string) {
    super('MAKEGOOD_WAL_CLOSED', `write-ahead log "${path}" is closed; open it again to use it`);
    this.path = path;
  }
}

/** Thrown by an append for which there is no room among those that wait: the disk is slower than the callers. */
export class WalOverloadedError extends MakegoodError {
  readonly waitingAppends: number;
  readonly waitingBytes: number;

  constructor(path: string, waitingAppends: number, waitingBytes: number) {
    super(
      'MAKEGOOD_WAL_OVERLOADED',
      `write-ahead log "${path}" has ${waitingAppends} appends of ${waitingBytes} bytes waiting, which is its bound; ` +
        'wait for earlier appends, or raise flush.maxWaitingAppends or flush.maxWaitingBytes',
    );
    this.waitingAppends = waitingAppends;
    this.waitingBytes = waitingBytes;
  }
}

/** Thrown when the disk refuses to give bytes back. Never taken for the end of the log. */
export class WalReadError extends MakegoodError {
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset: number;

  constructor(file: string, offset: number, options: ErrorOptions) {
    const cause = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      'MAKEGOOD_WAL_READ_FAILED',
      `cannot read "${file}" at byte ${offset}: ${cause}; nothing was changed, try again once the disk answers`,
      options,
    );
    this.file = file;
    this.offset = offset;
  }
}

/** Where a log is damaged, and what of it can still be read. */
export interface WalDamage {
  readonly file: string;
  /** Byte offset in the file at which the first unreadable thing begins. */
  readonly offset: number;
  /** Position up to which every record was read and is whole. */
  readonly readableBefore: Lsn;
  /** Position of the first whole batch found behind the damage, or `undefined` when there is none. */
  readonly readableAfter: Lsn | undefined;
}

/**
 * Thrown when bytes that were durable are not what was written. Opening such a log changes nothing on the disk.
 */
export class WalCorruptError extends MakegoodError implements WalDamage {
  readonly file: string;
  readonly offset: number;
  readonly readableBefore: Lsn;
  readonly readableAfter: Lsn | undefined;

  constructor(what: string, damage: WalDamage, options?: ErrorOptions) {
    const after =
      damage.readableAfter === undefined
        ? 'nothing behind it can be read'
        : `the log is whole again from position ${damage.readableAfter}`;
    super(
      'MAKEGOOD_WAL_CORRUPT',
      `write-ahead log is damaged in "${damage.file}" at byte ${damage.offset}: ${what}; records before position ` +
        `${damage.readableBefore} can be read, ${after}. Nothing was changed: copy the folder, then restore it from a backup`,
      options,
    );
    this.file = damage.file;
    this.offset = damage.offset;
    this.readableBefore = damage.readableBefore;
    this.readableAfter = damage.readableAfter;
  }
}
