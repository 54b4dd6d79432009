import { startsWithZeros, zeroBlockBytes } from '../ports/system-zeros.ts';
import { batchHeaderBytes, batchMagic, belongsAt, decodeBatchHeader } from './batch-header.ts';
import type { LogFolder } from './log-folder.ts';
import type { SegmentHeader } from './segment-header.ts';
import type { SegmentScanner } from './segment-scanner.ts';
import type { Lsn } from './wal-record.ts';

/** What stands behind a place where no batch stands. */
export interface RestOfSegment {
  /** Behind the last byte that is not zero, rounded up to 8; the place itself when all are. */
  readonly usedEnd: number;
  /** The first whole batch which says that the place was durable. */
  readonly nextBatch: Lsn | undefined;
}

/**
 * Looks through all of a segment from `from` on, in steps of 8, at which every batch stands. All of it, since the part
 * of a torn write that did reach the disk may be its end alone.
 */
export async function findRest(
  scanner: SegmentScanner,
  folder: LogFolder,
  segment: SegmentHeader,
  from: number,
): Promise<RestOfSegment> {
  let usedEnd = from;
  let offset = from;
  while (offset < folder.segmentBytes) {
    if (!scanner.has(offset, 8)) await scanner.load(offset, 8);
    // Nearly all of a segment may be nothing else.
    while (scanner.has(offset, zeroBlockBytes) && startsWithZeros(scanner.frame.bytes, scanner.at(offset)))
      offset += zeroBlockBytes;
    if (!scanner.has(offset, 8)) continue;
    const { words } = scanner.frame;
    const start = scanner.at(offset) >>> 2;
    const end = scanner.at(scanner.loadedEnd) >>> 2;
    let word = start;
    while (word < end && words[word] === 0 && words[word + 1] === 0) word += 2;
    offset += (word - start) * 4;
    if (word >= end) continue;
    usedEnd = offset + 8;
    if ((words[word] as number) >>> 0 === batchMagic && offset + batchHeaderBytes <= folder.segmentBytes) {
      if (!scanner.has(offset, batchHeaderBytes)) await scanner.load(offset, batchHeaderBytes);
      const header = decodeBatchHeader(scanner.frame, scanner.at(offset));
      const lsn = folder.lsnAt(segment.seq, offset);
      if (
        header !== undefined &&
        belongsAt(header, lsn, segment.salt) &&
        header.durableLsn > folder.lsnAt(segment.seq, from)
      )
        return { usedEnd, nextBatch: lsn };
    }
    offset += 8;
  }
  return { usedEnd, nextBatch: undefined };
}
