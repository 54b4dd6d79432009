/**
 * The head of a segment file, 4 KiB, little-endian:
 *
 *  0 magic "MGWALv1\n" · 8 u32 version · 12 u32 bytes of this head · 16 u64 sequence number · 32 id[16] of the log
 * 48 salt[8] · 60 u32 bytes of the segment · 4092 u32 CRC of bytes 0…4091
 *
 * The JOURNAL file, 64 bytes: 0 magic "MGJOURN\n" · 8 u32 version · 12 u32 bytes of a segment · 16 id[16]
 * 32 f64 time of creation · 60 u32 CRC of bytes 0…59. Both: all else zero.
 */
import { systemCrc32 } from '../ports/system-crc32.ts';
import { FrameBuffer } from './frame-buffer.ts';

export const segmentHeaderBytes = 4096;
export const journalFileBytes = 64;
const formatVersion = 1;

const segmentMagic = new TextEncoder().encode('MGWALv1\n');
const journalMagic = new TextEncoder().encode('MGJOURN\n');

/** Eight random bytes as two words; every batch of the segment repeats them, so that no other batch is taken for one. */
export interface SegmentSalt {
  readonly low: number;
  readonly high: number;
}

export interface SegmentHeader {
  readonly seq: number;
  readonly journalId: Uint8Array;
  readonly salt: SegmentSalt;
  readonly segmentBytes: number;
}

/** What the JOURNAL file says of the whole log. */
export interface JournalFile {
  readonly journalId: Uint8Array;
  readonly segmentBytes: number;
  readonly createdAt: number;
}

function begin(length: number, magic: Uint8Array): FrameBuffer {
  const frame = new FrameBuffer(length);
  frame.bytes.set(magic, 0);
  frame.words[2] = formatVersion;
  return frame;
}

function finish(frame: FrameBuffer): FrameBuffer {
  const crcAt = frame.bytes.length - 4;
  frame.words[crcAt >>> 2] = systemCrc32(frame.bytes.subarray(0, crcAt));
  return frame;
}

function whatIsWrong(frame: FrameBuffer, length: number, magic: Uint8Array): string | undefined {
  if (frame.bytes.length !== length) return `it is ${frame.bytes.length} bytes long instead of ${length}`;
  if (!magic.every((byte, index) => frame.bytes[index] === byte)) return 'it does not begin as one of ours';
  const crcAt = length - 4;
  if (systemCrc32(frame.bytes.subarray(0, crcAt)) !== frame.uint32(crcAt)) return 'its checksum does not match';
  if (frame.uint32(8) !== formatVersion)
    return `it is of format version ${frame.uint32(8)}, this program reads ${formatVersion}`;
  return undefined;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const frame = begin(segmentHeaderBytes, segmentMagic);
  frame.words[3] = segmentHeaderBytes;
  frame.setUint64(16, header.seq);
  frame.bytes.set(header.journalId, 32);
  frame.words[12] = header.salt.low;
  frame.words[13] = header.salt.high;
  frame.words[15] = header.segmentBytes;
  return finish(frame).bytes;
}

/** Reads a segment's head, or says in words why it is none. */
export function decodeSegmentHeader(frame: FrameBuffer): SegmentHeader | string {
  return (
    whatIsWrong(frame, segmentHeaderBytes, segmentMagic) ?? {
      seq: frame.uint64(16),
      journalId: frame.bytes.slice(32, 48),
      salt: { low: frame.uint32(48), high: frame.uint32(52) },
      segmentBytes: frame.uint32(60),
    }
  );
}

export function encodeJournalFile(journal: JournalFile): Uint8Array {
  const frame = begin(journalFileBytes, journalMagic);
  frame.words[3] = journal.segmentBytes;
  frame.bytes.set(journal.journalId, 16);
  frame.doubles[4] = journal.createdAt;
  return finish(frame).bytes;
}

/** Reads the JOURNAL file, or says in words why it is none. */
export function decodeJournalFile(frame: FrameBuffer): JournalFile | string {
  return (
    whatIsWrong(frame, journalFileBytes, journalMagic) ?? {
      segmentBytes: frame.uint32(12),
      journalId: frame.bytes.slice(16, 32),
      createdAt: frame.doubles[4] as number,
    }
  );
}
