/**
 * Reading a log from a checkpoint, or from its first segment, to its end, once.
 *
 * The end is where no whole batch stands that belongs there and follows the one before. Whether something was lost there
 * is decided by what comes behind: a batch is only written once everything before it is durable, so any later whole batch,
 * or a later segment in use, proves damage. With nothing of the kind it is a write that a crash cut short.
 */
import { systemCrc32 } from '../ports/system-crc32.ts';
import { type BatchHeader, batchHeaderBytes, batchKinds, belongsAt, decodeBatchHeader } from './batch-header.ts';
import type { LogFolder } from './log-folder.ts';
import { decodeRecord, padded, recordFits, recordHeaderBytes } from './record-frame.ts';
import { type SegmentHeader, segmentHeaderBytes } from './segment-header.ts';
import { SegmentScanner } from './segment-scanner.ts';
import { findRest } from './rest-of-segment.ts';
import { TextReader } from './text-codec.ts';
import type { WalPoint } from './wal-checkpoint.ts';
import type { Lsn, WalRecord } from './wal-record.ts';
import { withFile } from './whole-io.ts';

/** A place in a segment file and the bytes there. */
export interface Stretch {
  readonly seq: number;
  readonly offset: number;
  readonly bytes: number;
}

/** What one scan found, and what is to be done before the log takes anything new. */
export interface ScannedLog {
  readonly endLsn: Lsn;
  /** Names the batch that the next one follows. */
  readonly previousCrc: number;
  readonly bytes: number;
  readonly records: number;
  readonly sealed: boolean;
  /** A mark or a seal stands at the end, so the last batch is known to be durable. */
  readonly marked: boolean;
  /** The last batch or segment end that was read, when there is one. */
  readonly lastFrame: Stretch | undefined;
  /** Its position, or that of the one before the place where reading began. */
  readonly lastFrameLsn: Lsn;
  /** What a crash left behind the end. */
  readonly torn: Stretch | undefined;
}

type Step = 'next-batch' | 'segment-end' | 'end-of-log';

class LogScan {
  bytes = 0;
  records = 0;
  previousCrc: number;
  marked = false;
  sealed = false;
  lastFrame: Stretch | undefined;
  lastFrameLsn: Lsn;
  seq: number;
  offset: number;
  /** Why the place at `offset` holds no batch; for the message should it turn out to be damage. */
  private whyNot = '';
  private readonly texts = new TextReader();
  private readonly scanner: SegmentScanner;
  private readonly folder: LogFolder;
  private readonly onRecord: ((record: WalRecord) => void) | undefined;

  constructor(folder: LogFolder, from: WalPoint, onRecord: ((record: WalRecord) => void) | undefined) {
    this.folder = folder;
    this.previousCrc = from.previousCrc;
    this.lastFrameLsn = from.lastFrameLsn;
    this.seq = folder.seqOf(from.lsn);
    this.offset = folder.offsetOf(from.lsn);
    this.onRecord = onRecord;
    this.scanner = new SegmentScanner(folder.segmentBytes);
  }

  async run(): Promise<ScannedLog> {
    let torn: Stretch | undefined;
    for (let last: Step = 'segment-end'; last === 'segment-end'; ) {
      const path = this.folder.segmentPath(this.seq);
      last = await withFile(this.folder.files.open(path, 'read'), async (file) => {
        this.scanner.use(file, path);
        const step = await this.scanSegment(this.header(this.seq));
        if (step === 'end-of-log') torn = await this.judgeRest();
        return step;
      });
      if (last === 'segment-end') this.nextSegment();
    }
    await this.judgeSuccessors();
    const { previousCrc, bytes, records, sealed, marked, lastFrame, lastFrameLsn } = this;
    return { endLsn: this.lsn, previousCrc, bytes, records, sealed, marked, lastFrame, lastFrameLsn, torn };
  }

  private get lsn(): Lsn {
    return this.folder.lsnAt(this.seq, this.offset);
  }

  private header(seq: number): SegmentHeader {
    const header = this.folder.segments.get(seq);
    if (header === undefined) throw this.folder.corrupt(`segment ${seq} is missing`, seq, 0);
    return header;
  }

  private nextSegment(): void {
    this.seq++;
    this.offset = segmentHeaderBytes;
  }

  private async scanSegment(segment: SegmentHeader): Promise<Step> {
    for (;;) {
      if (this.offset + batchHeaderBytes > this.folder.segmentBytes) {
        // The writer always leaves room for the end of a segment.
        this.whyNot = 'the segment is full and has no end';
        return 'end-of-log';
      }
      if (!this.scanner.has(this.offset, batchHeaderBytes)) await this.scanner.load(this.offset, batchHeaderBytes);
      const header = decodeBatchHeader(this.scanner.frame, this.scanner.at(this.offset));
      const whyNot = this.whyNotNext(header, segment);
      if (header === undefined || whyNot !== undefined) {
        this.whyNot = whyNot ?? 'no whole batch stands there';
        return 'end-of-log';
      }
      const step = header.kind === batchKinds.data ? await this.takeData(header) : this.takeEmpty(header);
      if (step !== 'next-batch') return step;
    }
  }

  private whyNotNext(header: BatchHeader | undefined, segment: SegmentHeader): string | undefined {
    if (header === undefined) return 'no whole batch stands there';
    if (!belongsAt(header, this.lsn, segment.salt)) return 'the batch there belongs to another place or segment';
    if (header.previousCrc !== this.previousCrc) return 'the batch there does not follow the one before it';
    const isData = header.kind === batchKinds.data;
    const known = isData || Object.values<number>(batchKinds).includes(header.kind);
    if (!known) return `the batch there is of kind ${header.kind}, which this version does not know`;
    const longest = this.folder.segmentBytes - this.offset - 2 * batchHeaderBytes;
    if (isData ? header.bodyBytes > longest || header.bodyBytes % 8 !== 0 : header.bodyBytes !== 0)
      return `the batch there cannot have ${header.bodyBytes} bytes`;
    return undefined;
  }

  private async takeData(header: BatchHeader): Promise<Step> {
    const length = batchHeaderBytes + header.bodyBytes;
    if (!this.scanner.has(this.offset, length)) await this.scanner.load(this.offset, length);
    const { frame } = this.scanner;
    const start = this.scanner.at(this.offset) + batchHeaderBytes;
    const end = start + header.bodyBytes;
    if (systemCrc32(frame.bytes.subarray(start, end)) !== header.bodyCrc) {
      this.whyNot = 'the checksum of the batch there does not match';
      return 'end-of-log';
    }
    this.takeRecords(start, end, header.count);
    this.passed(header, length);
    this.bytes += length;
    this.offset += length;
    return 'next-batch';
  }

  private takeRecords(start: number, end: number, count: number): void {
    const { frame } = this.scanner;
    let at = start;
    for (let index = 0; index < count; index++) {
      const lsn = this.lsn + batchHeaderBytes + at - start;
      // The body's checksum matched, so this is not the disk's doing; still no length is followed out of the batch.
      const fits = at + recordHeaderBytes <= end && recordFits(frame, at, lsn);
      const next = at + padded(frame.uint32(at));
      if (!fits || next > end)
        throw this.folder.corrupt('a batch whose checksum matches holds a record that fits not', this.seq, this.offset);
      this.onRecord?.(decodeRecord(frame, at, this.texts));
      at = next;
    }
    if (at !== end)
      throw this.folder.corrupt('a batch whose checksum matches has bytes to spare', this.seq, this.offset);
    this.records += count;
  }

  private passed(header: BatchHeader, bytes: number): void {
    this.lastFrame = { seq: this.seq, offset: this.offset, bytes };
    this.lastFrameLsn = header.lsn;
    this.previousCrc = header.crc;
  }

  private takeEmpty(header: BatchHeader): Step {
    if (header.kind === batchKinds.segmentEnd) {
      this.passed(header, batchHeaderBytes);
      return 'segment-end';
    }
    this.marked = true;
    this.sealed = header.kind === batchKinds.seal;
    return 'end-of-log';
  }

  private async judgeRest(): Promise<Stretch | undefined> {
    // Nothing is written behind a seal until it is overwritten.
    if (this.sealed) return undefined;
    const from = this.offset + (this.marked ? batchHeaderBytes : 0);
    const rest = await findRest(this.scanner, this.folder, this.header(this.seq), from);
    if (rest.nextBatch !== undefined) throw this.folder.corrupt(this.damage(), this.seq, this.offset, rest.nextBatch);
    if (rest.usedEnd <= from) return undefined;
    return { seq: this.seq, offset: from, bytes: rest.usedEnd - from };
  }

  private damage(): string {
    return this.marked ? 'the end of the log stands there, and behind it there is more' : this.whyNot;
  }

  // At most one segment is prepared ahead, and it is empty: the end of this one becomes durable before it is used.
  private async judgeSuccessors(): Promise<void> {
    const successors = this.folder.firstSeq + this.folder.segments.size - 1 - this.seq;
    if (successors === 0) return;
    const firstLsn = this.folder.firstLsn(this.seq + 1);
    if (successors > 1) throw this.folder.corrupt(this.damage(), this.seq, this.offset, firstLsn);
    if (this.sealed) return;
    const path = this.folder.segmentPath(this.seq + 1);
    const rest = await withFile(this.folder.files.open(path, 'read'), (file) => {
      this.scanner.use(file, path);
      return findRest(this.scanner, this.folder, this.header(this.seq + 1), segmentHeaderBytes);
    });
    if (rest.usedEnd > segmentHeaderBytes)
      throw this.folder.corrupt(this.damage(), this.seq, this.offset, rest.nextBatch);
  }
}

/**
 * Reads the log from a point on and tells where it ends; changes nothing.
 *
 * @throws {WalCorruptError} when bytes that were durable are not what was written.
 */
export function scanLog(
  folder: LogFolder,
  from: WalPoint,
  onRecord: ((record: WalRecord) => void) | undefined,
): Promise<ScannedLog> {
  return new LogScan(folder, from, onRecord).run();
}
