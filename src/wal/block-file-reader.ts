import type { OpenFile } from '../ports/files.ts';
import { systemCrc32 } from '../ports/system-crc32.ts';
import {
  type BlockFileHead,
  type BlockFileKind,
  type BlockFileTrailer,
  type BlockHead,
  blockFileHeadBytes,
  blockHeadBytes,
  blockKinds,
  chainBlocks,
  decodeBlockFileHead,
  decodeBlockHead,
  decodeTrailer,
  trailerBytes,
} from './block-file.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { decodeRecord, padded, recordHeaderBytes, recordIsWhole } from './record-frame.ts';
import { TextReader } from './text-codec.ts';
import { WalCorruptError } from './wal-errors.ts';
import type { WalRecord } from './wal-record.ts';
import { readWhole } from './whole-io.ts';

/** A block whose checksums match; its body begins at `blockHeadBytes` of the frame. */
export interface Block {
  readonly head: BlockHead;
  readonly frame: FrameBuffer;
  /** Offset in the file of what comes behind it. */
  readonly end: number;
}

/** A record, and all its bytes, padding included. */
export interface StoredRecord {
  readonly record: WalRecord;
  readonly bytes: Uint8Array;
}

/** Reads a file of blocks, each only after its checksums matched. Anything else is a {@link WalCorruptError}. */
export class BlockFileReader {
  readonly path: string;
  private readonly file: OpenFile;
  private readonly size: number;
  private readonly texts = new TextReader();

  private constructor(path: string, file: OpenFile, size: number) {
    this.path = path;
    this.file = file;
    this.size = size;
  }

  static async on(file: OpenFile, path: string): Promise<BlockFileReader> {
    return new BlockFileReader(path, file, await file.size());
  }

  /** What the head says, of a file of this log. */
  async head(kind: BlockFileKind, journalId: Uint8Array): Promise<BlockFileHead> {
    const head = decodeBlockFileHead(kind, await this.bytes(0, blockFileHeadBytes));
    if (typeof head === 'string') throw this.corrupt(head, 0);
    if (!head.journalId.every((byte, index) => byte === journalId[index]))
      throw this.corrupt('it belongs to another log', 0);
    return head;
  }

  async trailer(): Promise<BlockFileTrailer> {
    const at = this.size - trailerBytes;
    if (at < blockFileHeadBytes || at % 8 !== 0) throw this.corrupt('it has no end', Math.max(at, 0));
    const { head, frame } = await this.block(at);
    if (head.kind !== blockKinds.trailer) throw this.corrupt('its last block is not its end', at);
    return decodeTrailer(frame, blockHeadBytes);
  }

  async block(offset: number): Promise<Block> {
    const head = decodeBlockHead(await this.bytes(offset, blockHeadBytes), offset);
    if (head === undefined) throw this.corrupt('no whole block stands there', offset);
    const end = offset + blockHeadBytes + head.bodyBytes;
    if (head.bodyBytes % 8 !== 0 || end > this.size) throw this.corrupt('a block does not fit into it', offset);
    const frame = await this.bytes(offset, end - offset);
    if (systemCrc32(frame.bytes.subarray(blockHeadBytes)) !== head.bodyCrc)
      throw this.corrupt('the checksum of a block does not match', offset);
    return { head, frame, end };
  }

  /** All blocks before the trailer, in order; at their end they are found to be all that were written. */
  async *blocks(): AsyncGenerator<Block> {
    const trailer = await this.trailer();
    const end = this.size - trailerBytes;
    let [blocks, records, chain] = [0, 0, 0];
    for (let offset = blockFileHeadBytes; offset < end; ) {
      const block = await this.block(offset);
      chain = chainBlocks(chain, block.head.crc);
      blocks++;
      records += block.head.count;
      yield block;
      offset = block.end;
    }
    if (blocks !== trailer.blocks || records !== trailer.records || chain !== trailer.chain)
      throw this.corrupt(`it has ${blocks} blocks and its end tells of ${trailer.blocks}, or of others`, end);
  }

  /** Reads the whole file without giving anything of it out. */
  async verify(kind: BlockFileKind, journalId: Uint8Array): Promise<BlockFileHead> {
    const head = await this.head(kind, journalId);
    const blocks = this.blocks();
    while ((await blocks.next()).done !== true);
    return head;
  }

  /** The records of a block; their payloads are views of it. `from` is the offset in the block to begin with. */
  *records(block: Block, from?: number): Generator<WalRecord> {
    for (const { record } of this.frames(block, from)) yield record;
  }

  /** The same, each with the bytes it stands in. */
  *frames(block: Block, from: number = blockHeadBytes): Generator<StoredRecord> {
    const { frame } = block;
    const end = frame.bytes.length;
    for (let at = from; at < end; ) {
      const bytes = padded(frame.uint32(at));
      const fits = at + recordHeaderBytes <= end && bytes >= recordHeaderBytes && at + bytes <= end;
      if (!fits || !recordIsWhole(frame, at, frame.uint64(at + 8)))
        throw this.corrupt('a block holds a record that is not whole', block.head.offset + at);
      yield { record: decodeRecord(frame, at, this.texts), bytes: frame.bytes.subarray(at, at + bytes) };
      at += bytes;
    }
  }

  /** The error for damage at a place of this file. */
  corrupt(what: string, offset: number): WalCorruptError {
    return new WalCorruptError(what, { file: this.path, offset, readableBefore: 0, readableAfter: undefined });
  }

  private async bytes(offset: number, length: number): Promise<FrameBuffer> {
    if (offset + length > this.size) throw this.corrupt('the file ends there', this.size);
    const frame = new FrameBuffer(length);
    const count = await readWhole(this.file, this.path, frame.bytes, 0, length, offset);
    if (count < length) throw this.corrupt('the file ends there', offset + count);
    return frame;
  }
}
