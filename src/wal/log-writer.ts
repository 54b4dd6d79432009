import type { Clock } from '../ports/clock.ts';
import type { OpenFile } from '../ports/files.ts';
import type { Observer } from '../ports/observer.ts';
import { systemCrc32 } from '../ports/system-crc32.ts';
import type { Batch } from './batch.ts';
import { batchHeaderBytes, batchKinds, encodeBatchHeader } from './batch-header.ts';
import { FrameBuffer } from './frame-buffer.ts';
import type { LogFolder } from './log-folder.ts';
import { SegmentsAhead } from './segments-ahead.ts';
import { sumRecords } from './record-frame.ts';
import type { SegmentSalt } from './segment-header.ts';
import type { WalEvent } from './wal-events.ts';
import type { Lsn } from './wal-record.ts';
import { writeWhole, writeWholeNow } from './whole-io.ts';

/** The segment that is written to: once through a descriptor that syncs every write, once through one that does not. */
interface OpenSegment {
  readonly seq: number;
  readonly salt: SegmentSalt;
  readonly durable: OpenFile;
  readonly unsynced: OpenFile;
}

/**
 * Puts batches into segments, one behind the other. Its methods that write are called one at a time; after one of them
 * failed, none is called again.
 */
export class LogWriter {
  /** Where the next batch will stand, unless it needs a new segment. */
  endLsn: Lsn;
  /** Names the batch or segment end that the next batch follows. */
  previousCrc: number;
  private segment: OpenSegment | undefined;
  private readonly ahead: SegmentsAhead;
  private readonly folder: LogFolder;
  private readonly clock: Clock;
  private readonly markFrame = new FrameBuffer(batchHeaderBytes);

  constructor(
    folder: LogFolder,
    clock: Clock,
    { endLsn, previousCrc }: { readonly endLsn: Lsn; readonly previousCrc: number },
    observer: Observer<WalEvent> | undefined,
  ) {
    this.folder = folder;
    this.clock = clock;
    this.endLsn = endLsn;
    this.previousCrc = previousCrc;
    this.ahead = new SegmentsAhead(folder, clock, observer);
  }

  /** Whether the disk had no room for the next segment, and the log lives on what was prepared. */
  get full(): boolean {
    return this.ahead.full;
  }

  /** Bytes a batch at `lsn` may have, so that the end of its segment still fits behind it. */
  roomAt(lsn: Lsn): number {
    return this.folder.segmentBytes - batchHeaderBytes - this.folder.offsetOf(lsn);
  }

  /** Where the segment behind the one of `lsn` begins to take batches. */
  nextSegmentLsn(lsn: Lsn): Lsn {
    return this.folder.firstLsn(this.folder.seqOf(lsn) + 1);
  }

  /**
   * Makes a batch durable at its `startLsn`: the current end, or the beginning of the next segment. Where no file is to be
   * opened first, the write is under way when this returns: thousands of callbacks may stand before whatever is awaited.
   */
  writeBatch(batch: Batch): Promise<void> {
    const { segment } = this;
    return segment?.seq === this.folder.seqOf(batch.startLsn)
      ? this.writeInto(segment, batch)
      : this.writeIntoNext(batch);
  }

  private async writeIntoNext(batch: Batch): Promise<void> {
    const seq = this.folder.seqOf(batch.startLsn);
    if (seq !== this.folder.seqOf(this.endLsn)) await this.endSegment();
    await this.writeInto(await this.openSegment(seq), batch);
  }

  private async writeInto(segment: OpenSegment, batch: Batch): Promise<void> {
    const crc = this.encodeDataHead(batch, segment);
    await writeWhole(segment.durable, batch.frame.bytes, 0, batch.length, this.folder.offsetOf(batch.startLsn));
    this.wrote(batch, crc);
  }

  /** The same before it returns; `false`, and nothing done, when a file would have to be opened or made for it first. */
  writeBatchNow(batch: Batch): boolean {
    const { segment } = this;
    const seq = this.folder.seqOf(batch.startLsn);
    if (segment?.durable.writeNow === undefined || segment.seq !== seq || batch.startLsn !== this.endLsn) return false;
    const crc = this.encodeDataHead(batch, segment);
    writeWholeNow(segment.durable, batch.frame.bytes, batch.length, this.folder.offsetOf(batch.startLsn));
    this.wrote(batch, crc);
    return true;
  }

  private encodeDataHead({ frame, length, startLsn, count }: Batch, { salt }: OpenSegment): number {
    sumRecords(frame, batchHeaderBytes, length);
    return this.encodeHead(frame, salt, batchKinds.data, {
      lsn: startLsn,
      bodyBytes: length - batchHeaderBytes,
      count,
      bodyCrc: systemCrc32(frame.bytes.subarray(batchHeaderBytes, length)),
    });
  }

  private wrote(batch: Batch, crc: number): void {
    this.previousCrc = crc;
    this.endLsn = batch.endLsn;
    const { segmentBytes } = this.folder;
    // Half a segment ahead of need: early enough for a slow disk, and not at all in a log that stays small.
    if (this.folder.offsetOf(this.endLsn) >= segmentBytes / 2) this.ahead.prepare(this.folder.seqOf(this.endLsn) + 1);
  }

  /**
   * Notes that everything before the end is durable, so that damage to the last batch is told from a torn one. The next
   * batch is written over it, and it is not worth a sync of its own.
   */
  async writeMark(): Promise<void> {
    await this.writeEmptyBatch(batchKinds.mark, 'unsynced');
  }

  /** The same, made durable: as the first thing after opening, when the page cache is not to be believed. */
  async writeDurableMark(): Promise<void> {
    await this.writeEmptyBatch(batchKinds.mark, 'durable');
  }

  /** Says that the log was closed in order. */
  async seal(): Promise<void> {
    await this.writeEmptyBatch(batchKinds.seal, 'durable');
  }

  /** The log is closing: what cannot be written for want of space fails now. */
  stopWaiting(): void {
    this.ahead.stopWaiting();
  }

  /** Releases the files; waits for a segment that is being prepared. */
  async close(): Promise<void> {
    await this.ahead.close();
    await this.closeSegment();
  }

  // Durable before anything is written behind it: a segment in use without an end before it is damage.
  private async endSegment(): Promise<void> {
    const seq = this.folder.seqOf(this.endLsn);
    await this.ahead.need(seq + 1);
    this.previousCrc = await this.writeEmptyBatch(batchKinds.segmentEnd, 'durable');
    await this.closeSegment();
    this.endLsn = this.folder.firstLsn(seq + 1);
  }

  private async writeEmptyBatch(kind: number, how: 'durable' | 'unsynced'): Promise<number> {
    const segment = await this.openSegment(this.folder.seqOf(this.endLsn));
    const frame = this.markFrame;
    const crc = this.encodeHead(frame, segment.salt, kind, { lsn: this.endLsn, bodyBytes: 0, count: 0, bodyCrc: 0 });
    await writeWhole(segment[how], frame.bytes, 0, batchHeaderBytes, this.folder.offsetOf(this.endLsn));
    return crc;
  }

  private encodeHead(
    frame: FrameBuffer,
    salt: SegmentSalt,
    kind: number,
    batch: { readonly lsn: Lsn; readonly bodyBytes: number; readonly count: number; readonly bodyCrc: number },
  ): number {
    // One flush at a time: whatever stands before this batch has been durable since the last one ended.
    const durableLsn = batch.lsn;
    const { previousCrc } = this;
    return encodeBatchHeader(frame, 0, { ...batch, durableLsn, previousCrc, salt, timestamp: this.clock.now(), kind });
  }

  private async openSegment(seq: number): Promise<OpenSegment> {
    if (this.segment?.seq === seq) return this.segment;
    const header = this.folder.segments.get(seq);
    if (header === undefined) throw new Error(`segment ${seq} is not there`);
    const path = this.folder.segmentPath(seq);
    const durable = await this.folder.files.open(path, 'write', { durable: true });
    try {
      const unsynced = await this.folder.files.open(path, 'write');
      this.segment = { seq, salt: header.salt, durable, unsynced };
      return this.segment;
    } catch (error) {
      await durable.close();
      throw error;
    }
  }

  private async closeSegment(): Promise<void> {
    const { segment } = this;
    this.segment = undefined;
    await segment?.durable.close();
    await segment?.unsynced.close();
  }
}
