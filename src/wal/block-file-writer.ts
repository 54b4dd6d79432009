import type { OpenFile } from '../ports/files.ts';
import { systemCrc32 } from '../ports/system-crc32.ts';
import {
  type BlockFileHead,
  type BlockFileKind,
  blockFileHeadBytes,
  blockHeadBytes,
  blockKinds,
  chainBlocks,
  encodeBlockFileHead,
  encodeBlockHead,
  encodeTrailer,
} from './block-file.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { encodeRecord, recordBound, sumRecords } from './record-frame.ts';
import type { WalEntry } from './wal-record.ts';
import { writeWhole } from './whole-io.ts';

// One large sync at the end would make the log's own small ones wait behind it.
const syncEveryBytes = 4 * 1024 * 1024;
// It grows when there is more; most files that are written often are small.
const firstFrameBytes = 32 * 1024;

/** Writes a file of blocks from its beginning to its end; {@link createWhole} gives it the file and the name. */
export class BlockFileWriter {
  /** Where the block that is filling will stand. */
  offset: number = blockFileHeadBytes;
  records = 0;
  private readonly file: OpenFile;
  private readonly blockBytes: number;
  private frame: FrameBuffer;
  private length: number = blockHeadBytes;
  private count = 0;
  private blocks = 0;
  private chain = 0;
  private unsynced = 0;

  /** @param blockBytes a block takes no more records once it has so many bytes; a multiple of 8. */
  constructor(file: OpenFile, blockBytes: number) {
    this.file = file;
    this.blockBytes = blockBytes;
    this.frame = new FrameBuffer(Math.min(blockBytes * 2, firstFrameBytes));
  }

  async begin(kind: BlockFileKind, head: BlockFileHead): Promise<void> {
    await writeWhole(this.file, encodeBlockFileHead(kind, head), 0, blockFileHeadBytes, 0);
  }

  /** Whether the block that is filling should be written before more is added. */
  get isFull(): boolean {
    return this.length >= this.blockBytes;
  }

  /** Adds a record to the block that is filling; returns its offset within the block. */
  addRecord(entry: WalEntry): number {
    const at = this.length;
    this.reserve(recordBound(entry));
    this.length = encodeRecord(this.frame, at, this.offset + at, entry);
    sumRecords(this.frame, at, this.length);
    this.count++;
    return at;
  }

  /** Adds bytes that are a whole number of records already, or an entry of an index; a multiple of 8. */
  addBytes(bytes: Uint8Array, count: number): number {
    const at = this.length;
    this.reserve(bytes.length);
    this.frame.bytes.set(bytes, at);
    this.length += bytes.length;
    this.count += count;
    return at;
  }

  /** Writes the block that is filling, unless it is empty, and begins the next. */
  async endBlock(kind: number = blockKinds.records): Promise<void> {
    if (this.count === 0) return;
    this.chain = chainBlocks(this.chain, this.headBlock(kind));
    this.blocks++;
    this.records += this.count;
    await this.writeBlock();
  }

  /** Writes what is filling and the trailer. Syncing and naming the file is left to whoever opened it. */
  async finish(directoryAt: number = 0): Promise<void> {
    await this.endBlock();
    encodeTrailer(this.frame, blockHeadBytes, {
      blocks: this.blocks,
      records: this.records,
      directoryAt,
      chain: this.chain,
    });
    this.length = blockHeadBytes + 32;
    this.headBlock(blockKinds.trailer);
    await this.writeBlock();
  }

  private headBlock(kind: number): number {
    const { frame, length, count, offset } = this;
    const bodyCrc = systemCrc32(frame.bytes.subarray(blockHeadBytes, length));
    return encodeBlockHead(frame, { bodyBytes: length - blockHeadBytes, count, bodyCrc, kind, offset });
  }

  private async writeBlock(): Promise<void> {
    const { frame, length, offset } = this;
    await writeWhole(this.file, frame.bytes, 0, length, offset);
    this.offset += length;
    this.unsynced += length;
    this.length = blockHeadBytes;
    this.count = 0;
    // One record of many megabytes need not be remembered by its buffer.
    if (frame.bytes.length > this.blockBytes * 2) this.frame = new FrameBuffer(this.blockBytes * 2);
    if (this.unsynced < syncEveryBytes) return;
    this.unsynced = 0;
    await this.file.sync();
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.frame.bytes.length) return;
    const larger = new FrameBuffer((Math.max(needed, this.frame.bytes.length * 2) + 7) & ~7);
    larger.bytes.set(this.frame.bytes.subarray(0, this.length));
    this.frame = larger;
  }
}
