import type { Files } from '../../ports/files.ts';
import type { BatchHeader } from '../../wal/batch-header.ts';
import { type JournalFile, segmentHeaderBytes, type SegmentSalt } from '../../wal/segment-header.ts';
import type { Lsn, WalRecord } from '../../wal/wal-record.ts';
import type { AuditedCheckpoint } from './checkpoint-audit.ts';
import type { LogListing } from './log-listing.ts';
import type { SegmentWindow } from './segment-window.ts';

/** Options of `auditLog`. */
export interface AuditOptions {
  readonly files: Files;
  readonly signal?: AbortSignal;
  /** Is given every whole record in order; its payload is a view that holds only during the call. */
  readonly onRecord?: (record: WalRecord) => void;
  /** Is waited for behind the records of each batch. */
  readonly onBatch?: () => Promise<void>;
  /** Is given, before any record, the newest whole checkpoint of a log that begins later than it did once. */
  readonly onTrimmed?: (checkpoint: AuditedCheckpoint) => Promise<void>;
  /** Is told of damage before any record behind it is given. */
  readonly onDamage?: (damage: Damage) => void;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** A place at which a log is not what was written, though it must have been durable. */
export interface Damage {
  /** `missing`, `size`, `head` and `foreign` are said of a whole segment. */
  readonly kind: 'journal' | 'checkpoint' | 'missing' | 'size' | 'head' | 'foreign' | 'batch';
  readonly seq: number;
  readonly file: string;
  readonly offset: number;
  readonly what: string;
  /** Position up to which all is whole, as far as this damage goes. */
  readonly readableBefore: Lsn;
  /** Position of the next whole batch in the same segment. */
  readonly readableAfter: Lsn | undefined;
  /** What the batch there must name as the one before; `undefined` when that is not known. */
  readonly previousCrc: number | undefined;
}

/** What a crash left behind the end: never acknowledged, and cleared by the next opening. */
export interface TornWrite {
  readonly seq: number;
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** One segment as it was found. */
export interface AuditedSegment {
  readonly seq: number;
  readonly file: string;
  readonly bytes: number;
  readonly usedBytes: number;
  readonly batches: number;
  readonly records: number;
  readonly firstLsn: Lsn | undefined;
  readonly lastLsn: Lsn | undefined;
  /** Milliseconds since 1970, by the writer's clock. */
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
  readonly damages: number;
}

/** Everything one reading of a log found. */
export interface LogAudit {
  readonly listing: LogListing;
  /** `undefined` when neither JOURNAL nor any segment's head can be read. */
  readonly journal: JournalFile | undefined;
  readonly segments: readonly AuditedSegment[];
  readonly checkpoints: readonly AuditedCheckpoint[];
  readonly damages: readonly Damage[];
  readonly torn: TornWrite | undefined;
  /** `goes-on`: a writer has gone beyond what was there when the reading began. */
  readonly end: { readonly lsn: Lsn; readonly how: 'sealed' | 'marked' | 'unmarked' | 'goes-on' };
  readonly batches: number;
  readonly records: number;
}

/** Gathers what is said of one segment. */
export class SegmentFacts {
  usedEnd: number = segmentHeaderBytes;
  damages = 0;
  private readonly seq: number;
  private readonly file: string;
  private readonly bytes: number;
  private batches = 0;
  private records = 0;
  private firstLsn: Lsn | undefined;
  private lastLsn: Lsn | undefined;
  private firstTime: number | undefined;
  private lastTime: number | undefined;

  constructor(seq: number, file: string, bytes: number) {
    this.seq = seq;
    this.file = file;
    this.bytes = bytes;
  }

  take(header: BatchHeader, end: number): void {
    this.batches++;
    this.records += header.count;
    this.firstLsn ??= header.lsn;
    this.lastLsn = header.lsn;
    this.firstTime ??= header.timestamp;
    this.lastTime = header.timestamp;
    this.usedEnd = end;
  }

  done(): AuditedSegment {
    const { seq, file, bytes, batches, records, firstLsn, lastLsn, firstTime, lastTime, damages } = this;
    const usedBytes = Math.min(this.usedEnd, bytes);
    return { seq, file, bytes, usedBytes, batches, records, firstLsn, lastLsn, firstTime, lastTime, damages };
  }
}

/** A segment that is being walked through. */
export interface SegmentWalk {
  readonly seq: number;
  readonly window: SegmentWindow;
  readonly facts: SegmentFacts;
  readonly salt: SegmentSalt | undefined;
}
