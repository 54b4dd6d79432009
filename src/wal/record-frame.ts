/**
 * A record in a batch, little-endian, at a multiple of 8:
 *
 *  0 u32 length (header + ids + payload, without the padding) · 4 u32 CRC of the whole padded record, this field as zero
 *  8 u64 position of this record in the log · 16 f64 timestamp · 24 u8 kind · 25 u8 state · 26 u16 zero
 * 28 u16 bytes of txId · 30 u16 bytes of stepId · 32 txId, stepId, payload, zeros up to a multiple of 8
 */
import { crc32OfPair, crc32OfWords } from './crc32.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import { type TextReader, textBytes, writeText } from './text-codec.ts';
import type { Lsn, WalEntry, WalRecord } from './wal-record.ts';

/** Bytes before a record's ids. */
export const recordHeaderBytes = 32;
const longestId = 65_535;

/** The next multiple of 8. */
export function padded(length: number): number {
  return (length + 7) & ~7;
}

/** Bytes an entry takes at most; cheap, because it looks at lengths only. */
export function recordBound(entry: WalEntry): number {
  const { payload } = entry;
  const payloadBound = typeof payload === 'string' ? payload.length * 3 : payload.byteLength;
  return recordHeaderBytes + (entry.txId.length + entry.stepId.length) * 3 + payloadBound + 8;
}

/** Bytes an entry takes exactly. */
export function recordBytes(entry: WalEntry): number {
  const { payload } = entry;
  const payloadBytes = typeof payload === 'string' ? textBytes(payload) : payload.byteLength;
  return padded(recordHeaderBytes + textBytes(entry.txId) + textBytes(entry.stepId) + payloadBytes);
}

/**
 * Writes an entry at `position`, where there is room for it, all but its checksum: see {@link sumRecords}.
 *
 * @returns the position behind it.
 */
export function encodeRecord(target: FrameBuffer, position: number, lsn: Lsn, entry: WalEntry): number {
  const { bytes, words, doubles } = target;
  const { payload } = entry;
  const idsAt = position + recordHeaderBytes;
  const txIdBytes = writeText(bytes, idsAt, entry.txId);
  const stepIdBytes = writeText(bytes, idsAt + txIdBytes, entry.stepId);
  let end = idsAt + txIdBytes + stepIdBytes;
  if (typeof payload === 'string') end += writeText(bytes, end, payload);
  else {
    bytes.set(payload, end);
    end += payload.byteLength;
  }
  const length = end - position;
  const paddedEnd = position + padded(length);
  while (end < paddedEnd) bytes[end++] = 0;
  const word = position >>> 2;
  words[word] = length;
  target.setUint64(position + 8, lsn);
  doubles[(position >>> 3) + 2] = entry.timestamp;
  words[word + 6] = entry.kind | (entry.state << 8);
  words[word + 7] = txIdBytes | (stepIdBytes << 16);
  return paddedEnd;
}

/**
 * Puts the checksums into the records from `start` up to `end`. All at once, since the tables of the sum stay in the
 * processor's nearest cache only for as long as nothing else is done between two of them: that saves a third of the sum.
 */
export function sumRecords({ words }: FrameBuffer, start: number, end: number): void {
  for (let word = start >>> 2; word < end >>> 2; ) {
    const next = word + (padded(words[word] as number) >>> 2);
    words[word + 1] = recordCrc(words, word, next);
    word = next;
  }
}

// The length is part of the sum: one that was flipped within the padding would otherwise add or drop a byte unnoticed.
function recordCrc(words: Int32Array, word: number, end: number): number {
  return crc32OfWords(words, word + 2, end, crc32OfPair(words[word] as number, 0));
}

/** Whether the record at `position`, all of whose bytes are there, is what was written at that place of the log. */
export function recordIsWhole(source: FrameBuffer, position: number, lsn: Lsn): boolean {
  const end = position + padded(source.uint32(position));
  return (
    recordCrc(source.words, position >>> 2, end >>> 2) === source.uint32(position + 4) &&
    recordFits(source, position, lsn)
  );
}

/** Whether the fields of the record at `position` agree with each other and with its place in the log. */
export function recordFits(source: FrameBuffer, position: number, lsn: Lsn): boolean {
  const idLengths = source.uint32(position + 28);
  const idBytes = (idLengths & 0xffff) + (idLengths >>> 16);
  return source.uint32(position) >= recordHeaderBytes + idBytes && source.uint64(position + 8) === lsn;
}

/** Reads the record at `position`; its payload is a view of the buffer. */
export function decodeRecord(source: FrameBuffer, position: number, texts: TextReader): WalRecord {
  const { bytes } = source;
  const kindAndState = source.uint32(position + 24);
  const idLengths = source.uint32(position + 28);
  const txIdAt = position + recordHeaderBytes;
  const stepIdAt = txIdAt + (idLengths & 0xffff);
  const payloadAt = stepIdAt + (idLengths >>> 16);
  return {
    lsn: source.uint64(position + 8),
    kind: kindAndState & 255,
    state: (kindAndState >>> 8) & 255,
    timestamp: source.doubles[(position >>> 3) + 2] as number,
    txId: texts.read(bytes, txIdAt, stepIdAt),
    stepId: texts.read(bytes, stepIdAt, payloadAt),
    payload: bytes.subarray(payloadAt, position + source.uint32(position)),
  };
}

function checkByte(value: unknown, name: string): void {
  if (typeof value !== 'number' || (value & 255) !== value) {
    throw new RangeError(`Expected ${name} to be an integer from 0 to 255, got ${String(value)}`);
  }
}

function checkId(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`Expected ${name} to be a string, got ${typeof value}`);
  // Three bytes a unit at most: only a long id needs to be measured.
  if (value.length * 3 > longestId && textBytes(value) > longestId) {
    throw new RangeError(`Expected ${name} to be at most ${longestId} bytes of UTF-8, got ${textBytes(value)}`);
  }
}

/**
 * Refuses what cannot be written as it was meant.
 *
 * @throws {TypeError} @throws {RangeError} naming the property, what was expected and what came.
 */
export function checkEntry(entry: WalEntry): void {
  checkByte(entry.kind, 'kind');
  checkByte(entry.state, 'state');
  if (typeof entry.timestamp !== 'number')
    throw new TypeError(`Expected timestamp to be a number, got ${typeof entry.timestamp}`);
  checkId(entry.txId, 'txId');
  checkId(entry.stepId, 'stepId');
  if (typeof entry.payload !== 'string' && !(entry.payload instanceof Uint8Array)) {
    throw new TypeError(`Expected payload to be a string or a Uint8Array, got ${typeof entry.payload}`);
  }
}
