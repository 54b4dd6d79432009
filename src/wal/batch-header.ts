/**
 * The head of a batch, 64 bytes, little-endian, at a multiple of 8; one batch is one commit:
 *
 *  0 u32 magic "MGB" 0xB1 · 4 u32 CRC of bytes 8…63 · 8 u64 position of this head in the log
 * 16 u64 durable position: everything before it was known to be durable when this was written
 * 24 u32 bytes of the body · 28 u32 number of records · 32 u32 CRC of the body · 36 u32 CRC field of the batch before
 * 40 salt[8] of the segment · 48 f64 wall-clock time, informational · 56 u32 kind · 60 u32 zero
 *
 * The magic's highest bit is set, which no record's length has: the two are told apart wherever one begins to read.
 */
import { crc32OfWords } from './crc32.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import type { SegmentSalt } from './segment-header.ts';
import type { Lsn } from './wal-record.ts';

export const batchHeaderBytes = 64;
export const batchMagic = 0xb142474d;

/** `seal`: closed in order. `mark`: everything before is durable. Both are overwritten by the next batch. */
export const batchKinds = { data: 1, seal: 2, mark: 3, segmentEnd: 4 } as const;

export interface BatchHeader {
  readonly crc: number;
  readonly lsn: Lsn;
  readonly durableLsn: Lsn;
  readonly bodyBytes: number;
  readonly count: number;
  readonly bodyCrc: number;
  /** The `crc` of the data batch or segment end before this one; 0 for the first of a log. */
  readonly previousCrc: number;
  readonly salt: SegmentSalt;
  readonly timestamp: number;
  readonly kind: number;
}

/** Writes a head at `position` and returns its checksum, which the next batch names. */
export function encodeBatchHeader(target: FrameBuffer, position: number, header: Omit<BatchHeader, 'crc'>): number {
  const { words } = target;
  const word = position >>> 2;
  words[word] = batchMagic;
  target.setUint64(position + 8, header.lsn);
  target.setUint64(position + 16, header.durableLsn);
  words[word + 6] = header.bodyBytes;
  words[word + 7] = header.count;
  words[word + 8] = header.bodyCrc;
  words[word + 9] = header.previousCrc;
  words[word + 10] = header.salt.low;
  words[word + 11] = header.salt.high;
  target.doubles[(position >>> 3) + 6] = header.timestamp;
  words[word + 14] = header.kind;
  words[word + 15] = 0;
  const crc = crc32OfWords(words, word + 2, word + 16);
  words[word + 1] = crc;
  return crc;
}

/** Reads the head at `position`, or `undefined` where no whole one stands. */
export function decodeBatchHeader(source: FrameBuffer, position: number): BatchHeader | undefined {
  if (source.uint32(position) !== batchMagic) return undefined;
  const word = position >>> 2;
  const crc = crc32OfWords(source.words, word + 2, word + 16);
  if (crc !== source.uint32(position + 4)) return undefined;
  return {
    crc,
    lsn: source.uint64(position + 8),
    durableLsn: source.uint64(position + 16),
    bodyBytes: source.uint32(position + 24),
    count: source.uint32(position + 28),
    bodyCrc: source.uint32(position + 32),
    previousCrc: source.uint32(position + 36),
    salt: { low: source.uint32(position + 40), high: source.uint32(position + 44) },
    timestamp: source.doubles[(position >>> 3) + 6] as number,
    kind: source.uint32(position + 56),
  };
}

/** Whether a whole head belongs where it stands: written for this place of this segment. */
export function belongsAt(header: BatchHeader, lsn: Lsn, salt: SegmentSalt): boolean {
  return header.lsn === lsn && header.salt.low === salt.low && header.salt.high === salt.high;
}
