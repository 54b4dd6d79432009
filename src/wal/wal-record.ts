/**
 * A position in the log: the byte at which a record stands when all segments are laid end to end. It only grows, is a
 * safe integer, and leads to its file and offset by one division.
 */
export type Lsn = number;

/** What {@link Wal.append} takes: the log looks at nothing of it but the lengths. */
export interface WalEntry {
  /** What kind of record this is to its owner; an integer from 0 to 255. */
  readonly kind: number;
  /** A state the owner can search for without reading the payload; an integer from 0 to 255. */
  readonly state: number;
  /** Milliseconds since 1970, or whatever number the owner orders by; the log orders by LSN alone. */
  readonly timestamp: number;
  /** At most 65,535 bytes of UTF-8. */
  readonly txId: string;
  /** At most 65,535 bytes of UTF-8. */
  readonly stepId: string;
  /** Bytes as they are, or text, which is written as UTF-8. */
  readonly payload: string | Uint8Array;
}

/** A record as the log gives it back. */
export interface WalRecord {
  readonly lsn: Lsn;
  readonly kind: number;
  readonly state: number;
  readonly timestamp: number;
  readonly txId: string;
  readonly stepId: string;
  readonly payload: Uint8Array;
}

/** A stretch of a log, from one place between two batches to another. */
export interface WalStretch {
  readonly from: Lsn;
  readonly to: Lsn;
  /** Ends the reading at the first batch behind so many bytes. */
  readonly stopAfterBytes: number;
}

/** A record as it stands in the log, to be copied elsewhere. */
export interface WalRecordBytes {
  /** All its bytes, padding included; a view that holds only during the call. */
  readonly bytes: Uint8Array;
  readonly txId: string;
  readonly timestamp: number;
}
