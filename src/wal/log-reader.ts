import { batchHeaderBytes, batchKinds, batchMagic, belongsAt, decodeBatchHeader } from './batch-header.ts';
import { FrameBuffer } from './frame-buffer.ts';
import type { LogFolder } from './log-folder.ts';
import { ReadHandles } from './read-handles.ts';
import { decodeRecord, padded, recordHeaderBytes, recordIsWhole } from './record-frame.ts';
import { segmentHeaderBytes } from './segment-header.ts';
import { TextReader } from './text-codec.ts';
import type { WalCorruptError } from './wal-errors.ts';
import type { Lsn, WalRecord, WalRecordBytes, WalStretch } from './wal-record.ts';
import { readWhole } from './whole-io.ts';

// Most reads are for a few records, the others for all there is: start small and grow.
const firstChunkBytes = 4096;
const largestChunkBytes = 1024 * 1024;

interface Step {
  readonly record: WalRecord | undefined;
  readonly nextLsn: Lsn;
}

/** Reads durable records back from the segments, each verified by its own checksum. */
export class LogReader {
  private readonly folder: LogFolder;
  private readonly durableLsn: () => Lsn;
  private readonly handles: ReadHandles;
  private readonly texts = new TextReader();

  constructor(folder: LogFolder, durableLsn: () => Lsn) {
    this.folder = folder;
    this.durableLsn = durableLsn;
    this.handles = new ReadHandles(folder);
  }

  get journalId(): Uint8Array {
    return this.folder.journalId;
  }

  get segmentBytes(): number {
    return this.folder.segmentBytes;
  }

  /** Where the log begins: what stood before was removed. */
  get firstLsn(): Lsn {
    return this.folder.firstLsn(this.folder.firstSeq);
  }

  async *read(from: Lsn = this.firstLsn): AsyncGenerator<WalRecord> {
    if (from !== this.durableLsn()) this.checkLsn(from);
    let lsn = from;
    let chunkBytes = firstChunkBytes;
    while (lsn < this.durableLsn()) {
      const start = lsn;
      const chunk = await this.load(start, chunkBytes);
      for (let step = this.step(chunk, 0, lsn); step !== undefined; step = this.step(chunk, lsn - start, lsn)) {
        lsn = step.nextLsn;
        if (step.record !== undefined) yield step.record;
      }
      chunkBytes = lsn === start ? this.bytesOf(chunk, 0, lsn) : Math.min(chunkBytes * 4, largestChunkBytes);
    }
  }

  /** Hands out the bytes of the records from one place between two batches to another, or to one before it. */
  async scan({ from, to, stopAfterBytes }: WalStretch, visit: (record: WalRecordBytes) => void): Promise<Lsn> {
    let lsn = from;
    for (let chunkBytes = largestChunkBytes; lsn < to; ) {
      const start = lsn;
      const chunk = await this.load(start, chunkBytes);
      for (;;) {
        const at = lsn - start;
        const bytes = this.bytesWithin(chunk, at, lsn);
        if (bytes === undefined || lsn >= to) break;
        if (chunk.uint32(at) === batchMagic) {
          if (lsn - from >= stopAfterBytes) return lsn;
          lsn = this.behindHead(chunk, at, lsn);
        } else {
          if (!recordIsWhole(chunk, at, lsn)) throw this.noRecord(lsn);
          const { txId, timestamp } = decodeRecord(chunk, at, this.texts);
          visit({ bytes: chunk.bytes.subarray(at, at + bytes), txId, timestamp });
          lsn += bytes;
        }
      }
      chunkBytes = lsn === start ? this.bytesOf(chunk, 0, lsn) : largestChunkBytes;
    }
    return lsn;
  }

  async readAt(lsn: Lsn): Promise<WalRecord> {
    this.checkLsn(lsn);
    let chunk = await this.load(lsn, firstChunkBytes);
    const bytes = this.bytesOf(chunk, 0, lsn);
    if (bytes > chunk.bytes.length) chunk = await this.load(lsn, bytes);
    const record = this.step(chunk, 0, lsn)?.record;
    if (record === undefined) throw this.noRecord(lsn);
    return record;
  }

  /** Closes the files of segments before `seq`. */
  forgetBefore(seq: number): Promise<void> {
    return this.handles.forgetBefore(seq);
  }

  close(): Promise<void> {
    return this.handles.close();
  }

  private checkLsn(lsn: Lsn): void {
    const end = this.durableLsn();
    const inLog = Number.isSafeInteger(lsn) && lsn >= this.firstLsn && lsn < end;
    if (inLog && lsn % 8 === 0 && this.folder.offsetOf(lsn) >= segmentHeaderBytes) return;
    throw new RangeError(
      `Expected lsn to be the position of a record, from ${this.firstLsn} to below ${end}, got ${lsn}`,
    );
  }

  // What stands at `at` in a chunk, or undefined when the chunk ends within it.
  private step(chunk: FrameBuffer, at: number, lsn: Lsn): Step | undefined {
    if (this.bytesWithin(chunk, at, lsn) === undefined) return undefined;
    if (chunk.uint32(at) === batchMagic) return { record: undefined, nextLsn: this.behindHead(chunk, at, lsn) };
    if (!recordIsWhole(chunk, at, lsn)) throw this.noRecord(lsn);
    const record = decodeRecord(chunk, at, this.texts);
    return {
      // Copied, so that one kept record does not keep a chunk of 1 MiB.
      record: { ...record, payload: record.payload.slice() },
      nextLsn: lsn + padded(chunk.uint32(at)),
    };
  }

  // How long what stands at `at` in a chunk is, or undefined when the chunk ends within it.
  private bytesWithin(chunk: FrameBuffer, at: number, lsn: Lsn): number | undefined {
    const left = chunk.bytes.length - at;
    if (left < recordHeaderBytes) return undefined;
    const bytes = this.bytesOf(chunk, at, lsn);
    return bytes > left ? undefined : bytes;
  }

  private behindHead(chunk: FrameBuffer, at: number, lsn: Lsn): Lsn {
    const seq = this.folder.seqOf(lsn);
    const header = decodeBatchHeader(chunk, at);
    const salt = this.folder.segments.get(seq)?.salt;
    if (header === undefined || salt === undefined || !belongsAt(header, lsn, salt)) throw this.noRecord(lsn);
    return header.kind === batchKinds.segmentEnd ? this.folder.firstLsn(seq + 1) : lsn + batchHeaderBytes;
  }

  // A length that its checksum has not confirmed yet; it may only make us read what is there.
  private bytesOf(chunk: FrameBuffer, at: number, lsn: Lsn): number {
    const first = chunk.uint32(at);
    const bytes = first === batchMagic ? batchHeaderBytes : padded(first);
    if (bytes < recordHeaderBytes || bytes > this.readableAt(lsn)) throw this.noRecord(lsn);
    return bytes;
  }

  // Nothing behind the durable end: that may be changing under the read.
  private readableAt(lsn: Lsn): number {
    return Math.min(this.folder.segmentBytes - this.folder.offsetOf(lsn), this.durableLsn() - lsn);
  }

  private noRecord(lsn: Lsn): WalCorruptError {
    return this.folder.corrupt('no whole record stands there', this.folder.seqOf(lsn), this.folder.offsetOf(lsn));
  }

  private async load(lsn: Lsn, wanted: number): Promise<FrameBuffer> {
    const seq = this.folder.seqOf(lsn);
    const offset = this.folder.offsetOf(lsn);
    const frame = new FrameBuffer(Math.min(wanted, this.readableAt(lsn)));
    const { length } = frame.bytes;
    const count = await this.handles.with(seq, (file) =>
      readWhole(file, this.folder.segmentPath(seq), frame.bytes, 0, length, offset),
    );
    if (count < length) throw this.folder.corrupt('the file ends there', seq, offset + count);
    return frame;
  }
}
