/**
 * Files that are written once and whole: checkpoints and archives. Little-endian; everything unnamed is zero.
 *
 * Head, 128 bytes:
 *  0 magic[8] · 8 u32 version · 12 u32 bytes of this head · 16 id[16] of the log · 32 u64 from · 40 u64 to: the positions
 *    of the log it speaks of · 48 u64 position of the last batch before `to` · 56 u32 CRC field of that batch
 * 64 f64 time · 124 u32 CRC of bytes 0…123
 *
 * Then blocks. Head of a block, 32 bytes, at a multiple of 8:
 *  0 u32 magic "MGK" 0xB1 · 4 u32 CRC of bytes 8…31 · 8 u32 bytes of the body · 12 u32 number of records
 * 16 u32 CRC of the body · 20 u32 kind · 24 u64 offset of this head in the file
 *
 * The last block is the trailer, 32 bytes of body: 0 u64 blocks before it · 8 u64 records in them · 16 u64 offset of the
 * block to begin with, for a file with a directory · 24 u32 CRC over the CRC fields of all blocks before it
 *
 * The body of a block of records holds records as the log has them; their position is their offset in the file.
 */
import { systemCrc32 } from '../ports/system-crc32.ts';
import { crc32OfPair, crc32OfWords } from './crc32.ts';
import { FrameBuffer } from './frame-buffer.ts';
import type { Lsn } from './wal-record.ts';

export const blockFileHeadBytes = 128;
export const blockHeadBytes = 32;
export const trailerBytes = 64;
const blockMagic = 0xb14b474d;
const formatVersion = 1;

/** What a block holds: records, entries of an index, or the end of the file. */
export const blockKinds = { records: 1, index: 2, trailer: 3 } as const;

/** Which file this is, by its first eight bytes. */
export const blockFileMagics = { checkpoint: 'MGCKPT1\n', archive: 'MGARCH1\n' } as const;

/** The kinds of files that are made of blocks. */
export type BlockFileKind = keyof typeof blockFileMagics;

/** What the head of a file of blocks says. */
export interface BlockFileHead {
  readonly journalId: Uint8Array;
  readonly fromLsn: Lsn;
  readonly lsn: Lsn;
  readonly lastFrameLsn: Lsn;
  readonly previousCrc: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** What the head of a block says. */
export interface BlockHead {
  readonly crc: number;
  readonly bodyBytes: number;
  readonly count: number;
  readonly bodyCrc: number;
  readonly kind: number;
  readonly offset: number;
}

/** What the end of a file of blocks says. */
export interface BlockFileTrailer {
  readonly blocks: number;
  readonly records: number;
  readonly directoryAt: number;
  readonly chain: number;
}

const magicBytes = (kind: BlockFileKind): Uint8Array => new TextEncoder().encode(blockFileMagics[kind]);

export function encodeBlockFileHead(kind: BlockFileKind, head: BlockFileHead): Uint8Array {
  const frame = new FrameBuffer(blockFileHeadBytes);
  frame.bytes.set(magicBytes(kind), 0);
  frame.words[2] = formatVersion;
  frame.words[3] = blockFileHeadBytes;
  frame.bytes.set(head.journalId, 16);
  frame.setUint64(32, head.fromLsn);
  frame.setUint64(40, head.lsn);
  frame.setUint64(48, head.lastFrameLsn);
  frame.words[14] = head.previousCrc;
  frame.doubles[8] = head.createdAt;
  frame.words[31] = systemCrc32(frame.bytes.subarray(0, 124));
  return frame.bytes;
}

/** Reads the head of a file of blocks, or says in words why it is none. */
export function decodeBlockFileHead(kind: BlockFileKind, frame: FrameBuffer): BlockFileHead | string {
  const magic = magicBytes(kind);
  if (!magic.every((byte, index) => frame.bytes[index] === byte)) return 'it does not begin as one of ours';
  if (systemCrc32(frame.bytes.subarray(0, 124)) !== frame.uint32(124)) return 'the checksum of its head does not match';
  if (frame.uint32(8) !== formatVersion)
    return `it is of format version ${frame.uint32(8)}, this program reads ${formatVersion}`;
  return {
    journalId: frame.bytes.slice(16, 32),
    fromLsn: frame.uint64(32),
    lsn: frame.uint64(40),
    lastFrameLsn: frame.uint64(48),
    previousCrc: frame.uint32(56),
    createdAt: frame.doubles[8] as number,
  };
}

/** Writes the head of a block at the beginning of a buffer and returns its checksum, which the trailer sums up. */
export function encodeBlockHead(frame: FrameBuffer, head: Omit<BlockHead, 'crc'>): number {
  const { words } = frame;
  words[0] = blockMagic;
  words[2] = head.bodyBytes;
  words[3] = head.count;
  words[4] = head.bodyCrc;
  words[5] = head.kind;
  frame.setUint64(24, head.offset);
  const crc = crc32OfWords(words, 2, 8);
  words[1] = crc;
  return crc;
}

/** Reads the head of a block that should stand at `offset` of its file, or `undefined` where no whole one of there does. */
export function decodeBlockHead(frame: FrameBuffer, offset: number): BlockHead | undefined {
  if (frame.uint32(0) !== blockMagic) return undefined;
  const crc = crc32OfWords(frame.words, 2, 8);
  if (crc !== frame.uint32(4) || frame.uint64(24) !== offset) return undefined;
  return {
    crc,
    bodyBytes: frame.uint32(8),
    count: frame.uint32(12),
    bodyCrc: frame.uint32(16),
    kind: frame.uint32(20),
    offset,
  };
}

/** The sum over all blocks so far, gone on with by one more. */
export function chainBlocks(chain: number, blockCrc: number): number {
  return crc32OfPair(chain, blockCrc);
}

export function encodeTrailer(frame: FrameBuffer, at: number, trailer: BlockFileTrailer): void {
  frame.setUint64(at, trailer.blocks);
  frame.setUint64(at + 8, trailer.records);
  frame.setUint64(at + 16, trailer.directoryAt);
  frame.words[(at >>> 2) + 6] = trailer.chain;
  frame.words[(at >>> 2) + 7] = 0;
}

export function decodeTrailer(frame: FrameBuffer, at: number): BlockFileTrailer {
  return {
    blocks: frame.uint64(at),
    records: frame.uint64(at + 8),
    directoryAt: frame.uint64(at + 16),
    chain: frame.uint32(at + 24),
  };
}
