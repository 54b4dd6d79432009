import type { OpenFile } from '../../ports/files.ts';
import { batchHeaderBytes, batchMagic, type BatchHeader, decodeBatchHeader } from '../../wal/batch-header.ts';
import type { FrameBuffer } from '../../wal/frame-buffer.ts';
import { SegmentScanner } from '../../wal/segment-scanner.ts';
import type { SegmentSalt } from '../../wal/segment-header.ts';

/** What stands behind a place where no batch does. */
export interface Beyond {
  /** Behind the last byte that is not zero, rounded up to 8; the place itself when all are. */
  readonly usedEnd: number;
  /** Offset of the first whole batch that was written for where it stands, and says that the place was durable. */
  readonly nextBatch: number | undefined;
}

/**
 * A segment file seen through a window. What it shows may be older than the file, where a writer is at work: `refresh`
 * before anything is concluded from what is *not* there.
 */
export class SegmentWindow {
  readonly bytes: number;
  /** Position of the segment's first byte in the log. */
  private readonly firstLsn: number;
  private readonly file: OpenFile;
  private readonly path: string;
  private readonly scanner: SegmentScanner;

  /** @param bytes length of the file. */
  constructor(file: OpenFile, path: string, firstLsn: number, bytes: number) {
    this.file = file;
    this.path = path;
    this.firstLsn = firstLsn;
    this.bytes = bytes & ~7;
    this.scanner = new SegmentScanner(this.bytes);
    this.refresh();
  }

  /** Forgets what was read, so that the next look is at the file as it is by then. */
  refresh(): void {
    this.scanner.use(this.file, this.path);
  }

  /** The bytes of a stretch, or `undefined` where the file ends within it. */
  async at(
    offset: number,
    length: number,
  ): Promise<{ readonly frame: FrameBuffer; readonly start: number } | undefined> {
    if (offset + length > this.bytes) return undefined;
    if (!this.scanner.has(offset, length)) await this.scanner.load(offset, length);
    return { frame: this.scanner.frame, start: this.scanner.at(offset) };
  }

  /** The head of a batch at a place, when a whole one stands there. */
  async headAt(offset: number): Promise<BatchHeader | undefined> {
    const found = await this.at(offset, batchHeaderBytes);
    return found === undefined ? undefined : decodeBatchHeader(found.frame, found.start);
  }

  /** Lets `use` see the segment with some bytes changed; in the window only, and only while it looks. */
  async changed<Result>(offset: number, bytes: Uint8Array, use: () => Promise<Result>): Promise<Result> {
    const found = await this.at(offset, bytes.length);
    found?.frame.bytes.set(bytes, found.start);
    try {
      return await use();
    } finally {
      this.refresh();
    }
  }

  /** Whether a head was written for this place; with no salt known, its position alone must tell. */
  belongs(header: BatchHeader, offset: number, salt: SegmentSalt | undefined): boolean {
    if (header.lsn !== this.firstLsn + offset) return false;
    return salt === undefined || (header.salt.low === salt.low && header.salt.high === salt.high);
  }

  /** Looks through all that is behind a place, in steps of 8, up to the first whole batch. */
  async beyond(from: number, salt: SegmentSalt | undefined): Promise<Beyond> {
    let usedEnd = from;
    let offset = from;
    while (offset < this.bytes) {
      if (!this.scanner.has(offset, 8)) await this.scanner.load(offset, 8);
      offset = this.skipZeros(offset);
      if (!this.scanner.has(offset, 8)) continue;
      usedEnd = offset + 8;
      if (this.scanner.frame.uint32(this.scanner.at(offset)) === batchMagic) {
        const header = await this.headAt(offset);
        const proves = header !== undefined && header.durableLsn > this.firstLsn + from;
        if (proves && this.belongs(header, offset, salt)) return { usedEnd, nextBatch: offset };
      }
      offset += 8;
    }
    return { usedEnd, nextBatch: undefined };
  }

  // The first place in the window from `offset` on that is not zero, or the window's end.
  private skipZeros(offset: number): number {
    const { words } = this.scanner.frame;
    const end = this.scanner.at(this.scanner.loadedEnd) >>> 2;
    const start = this.scanner.at(offset) >>> 2;
    let word = start;
    while (word < end && words[word] === 0 && words[word + 1] === 0) word += 2;
    return offset + (word - start) * 4;
  }
}
