import { systemCrc32 } from '../../ports/system-crc32.ts';
import { type BatchHeader, batchHeaderBytes, batchKinds } from '../../wal/batch-header.ts';
import type { FrameBuffer } from '../../wal/frame-buffer.ts';
import { padded, recordHeaderBytes, recordIsWhole } from '../../wal/record-frame.ts';
import type { SegmentSalt } from '../../wal/segment-header.ts';
import type { SegmentWindow } from './segment-window.ts';

/** What stands at a place where a batch is due. */
export type BatchReading =
  | { readonly kind: 'data'; readonly header: BatchHeader; readonly end: number }
  | { readonly kind: 'segment-end' | 'mark' | 'seal'; readonly header: BatchHeader; readonly end: number }
  | { readonly kind: 'bad'; readonly why: string };

const bad = (why: string): BatchReading => ({ kind: 'bad', why });

/** Offsets of the records of a body, or in words why they are not as they were written. */
export function recordsOf(frame: FrameBuffer, start: number, header: BatchHeader): readonly number[] | string {
  const offsets: number[] = [];
  const end = start + header.bodyBytes;
  for (let at = start; at < end; at += padded(frame.uint32(at))) {
    const length = frame.uint32(at);
    if (length < recordHeaderBytes || at + padded(length) > end)
      return `a record there has a length of ${length} bytes`;
    const lsn = header.lsn + batchHeaderBytes + at - start;
    if (!recordIsWhole(frame, at, lsn)) return 'the checksum of a record there does not match';
    offsets.push(at);
  }
  if (offsets.length !== header.count)
    return `the batch there holds ${offsets.length} records instead of ${header.count}`;
  return offsets;
}

/** What the reader has to know of the batch before, and of the segment. */
export interface Expectation {
  /** `undefined` when what came before is not known. */
  readonly previousCrc: number | undefined;
  readonly salt: SegmentSalt | undefined;
}

/** Reads the batch at a place with every checksum it has: head, body, each record, and the chain to the one before. */
export async function readBatch(window: SegmentWindow, offset: number, expected: Expectation): Promise<BatchReading> {
  const header = await window.headAt(offset);
  if (header === undefined) return bad('no whole batch stands there');
  if (!window.belongs(header, offset, expected.salt)) return bad('the batch there belongs to another place or segment');
  if (expected.previousCrc !== undefined && header.previousCrc !== expected.previousCrc)
    return bad('the batch there does not follow the one before it');
  const end = offset + batchHeaderBytes;
  if (header.kind === batchKinds.data) return readBody(window, end, header);
  if (header.bodyBytes > 0) return bad(`the batch there cannot have ${header.bodyBytes} bytes`);
  if (header.kind === batchKinds.segmentEnd) return { kind: 'segment-end', header, end };
  if (header.kind === batchKinds.mark) return { kind: 'mark', header, end };
  if (header.kind === batchKinds.seal) return { kind: 'seal', header, end };
  return bad(`the batch there is of kind ${header.kind}, which this version does not know`);
}

async function readBody(window: SegmentWindow, start: number, header: BatchHeader): Promise<BatchReading> {
  const { bodyBytes } = header;
  // Behind every batch its segment keeps room for an end.
  const body = bodyBytes % 8 === 0 ? await window.at(start, bodyBytes + batchHeaderBytes) : undefined;
  if (body === undefined) return bad(`the batch there cannot have ${bodyBytes} bytes`);
  const bytes = body.frame.bytes.subarray(body.start, body.start + bodyBytes);
  if (systemCrc32(bytes) !== header.bodyCrc) return bad('the checksum of the batch there does not match');
  const records = recordsOf(body.frame, body.start, header);
  if (typeof records === 'string') return bad(records);
  return { kind: 'data', header, end: start + bodyBytes };
}
