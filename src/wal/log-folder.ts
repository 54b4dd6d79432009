import type { Clock } from '../ports/clock.ts';
import type { Files, OpenFile } from '../ports/files.ts';
import type { Random } from '../ports/random.ts';
import { FrameBuffer } from './frame-buffer.ts';
import {
  decodeJournalFile,
  decodeSegmentHeader,
  encodeJournalFile,
  encodeSegmentHeader,
  type JournalFile,
  journalFileBytes,
  type SegmentHeader,
  segmentHeaderBytes,
} from './segment-header.ts';
import { WalCorruptError } from './wal-errors.ts';
import type { Lsn } from './wal-record.ts';
import { asideSuffix, createWhole, readWhole, withFile, writeWhole } from './whole-io.ts';

const journalName = 'JOURNAL';
const segmentPattern = /^([0-9a-f]{16})\.seg$/;
const zeroChunk = new Uint8Array(1024 * 1024);

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

/** A whole empty segment without a head, for the day on which the disk has no room for one. */
const reserveName = 'RESERVE';

/** What the files of a log are called, and where in them a position stands. */
export class LogFolder {
  readonly path: string;
  readonly files: Files;
  readonly segmentBytes: number;
  /** Heads of the segments that are there, by sequence number. */
  readonly segments: Map<number, SegmentHeader> = new Map();
  /** Whether a segment lies in reserve. */
  hasReserve = false;
  readonly journalId: Uint8Array;
  private readonly random: Random;

  constructor(path: string, files: Files, random: Random, journal: JournalFile) {
    this.path = path;
    this.files = files;
    this.random = random;
    this.segmentBytes = journal.segmentBytes;
    this.journalId = journal.journalId;
  }

  segmentPath(seq: number): string {
    return `${this.path}/${segmentName(seq)}`;
  }

  seqOf(lsn: Lsn): number {
    return Math.floor(lsn / this.segmentBytes);
  }

  offsetOf(lsn: Lsn): number {
    return lsn % this.segmentBytes;
  }

  lsnAt(seq: number, offset: number): Lsn {
    return seq * this.segmentBytes + offset;
  }

  /** Where the first batch of a segment stands. */
  firstLsn(seq: number): Lsn {
    return this.lsnAt(seq, segmentHeaderBytes);
  }

  /** Makes an empty segment, zero-filled: a write into bytes that exist needs no metadata on the disk when synced. */
  async createSegment(seq: number): Promise<void> {
    const header = this.newHeader(seq);
    await createWhole(this.files, this.path, segmentName(seq), async (file) => {
      await writeWhole(file, encodeSegmentHeader(header), 0, segmentHeaderBytes, 0);
      await this.fillWithZeros(file, segmentHeaderBytes);
    });
    this.segments.set(seq, header);
  }

  /** Lays a segment in reserve: all the room it needs is taken now. */
  async createReserve(): Promise<void> {
    await createWhole(this.files, this.path, reserveName, (file) => this.fillWithZeros(file, 0));
    this.hasReserve = true;
  }

  /** Makes the reserve a segment, which needs no room on the disk. Cut short, it is a reserve with a head, and made anew. */
  async useReserve(seq: number): Promise<void> {
    const header = this.newHeader(seq);
    const reserve = `${this.path}/${reserveName}`;
    await withFile(this.files.open(reserve, 'write'), async (file) => {
      await writeWhole(file, encodeSegmentHeader(header), 0, segmentHeaderBytes, 0);
      await file.sync();
    });
    this.hasReserve = false;
    await this.files.rename(reserve, this.segmentPath(seq));
    await this.files.syncDirectory(this.path);
    this.segments.set(seq, header);
  }

  private newHeader(seq: number): SegmentHeader {
    const [low = 0, high = 0] = new Uint32Array(randomBytes(this.random, 8).buffer);
    return { seq, journalId: this.journalId, salt: { low, high }, segmentBytes: this.segmentBytes };
  }

  private async fillWithZeros(file: OpenFile, from: number): Promise<void> {
    for (let at = from; at < this.segmentBytes; at += zeroChunk.length) {
      await writeWhole(file, zeroChunk, 0, Math.min(zeroChunk.length, this.segmentBytes - at), at);
    }
  }

  /**
   * Reads the heads of all segments and checks that they are a row without a gap, each of this log, whole, and in its
   * own place. It may begin later than the log did, but not behind the segment that is needed first.
   */
  async readSegmentHeaders(seqs: readonly number[], neededSeq: number): Promise<void> {
    const first = Math.min(seqs[0] ?? neededSeq, neededSeq);
    for (const [index, seq] of seqs.entries()) {
      if (seq !== first + index) throw this.corrupt(`segment ${first + index} is missing`, first + index, 0);
      const header = await withFile(this.files.open(this.segmentPath(seq), 'read'), (file) =>
        this.readSegmentHeader(file, seq),
      );
      this.segments.set(seq, header);
    }
    if (seqs.length === 0) throw this.corrupt(`segment ${neededSeq} is missing`, neededSeq, 0);
  }

  /** Number of the first segment that is there. */
  get firstSeq(): number {
    const [first = 0] = this.segments.keys();
    return first;
  }

  /** Removes the segments before `seq`, the first one first: what a crash leaves is a row without a gap again. */
  async removeSegmentsBefore(seq: number): Promise<number> {
    let removed = 0;
    for (const old of this.segments.keys()) {
      if (old >= seq) break;
      this.segments.delete(old);
      await this.files.remove(this.segmentPath(old));
      removed++;
    }
    if (removed > 0) await this.files.syncDirectory(this.path);
    return removed;
  }

  private async readSegmentHeader(file: OpenFile, seq: number): Promise<SegmentHeader> {
    const size = await file.size();
    if (size !== this.segmentBytes) {
      // Segments get their full size before they get their name, so no crash can have made this one shorter.
      throw this.corrupt(
        `it is ${size} bytes long instead of ${this.segmentBytes}`,
        seq,
        Math.min(size, this.segmentBytes),
      );
    }
    const frame = new FrameBuffer(segmentHeaderBytes);
    await readWhole(file, this.segmentPath(seq), frame.bytes, 0, segmentHeaderBytes, 0);
    const header = decodeSegmentHeader(frame);
    if (typeof header === 'string') throw this.corrupt(`its head cannot be used: ${header}`, seq, 0);
    if (header.seq !== seq) throw this.corrupt(`it holds segment ${header.seq} instead of ${seq}`, seq, 0);
    if (header.segmentBytes !== this.segmentBytes)
      throw this.corrupt(`it says it has ${header.segmentBytes} bytes instead of ${this.segmentBytes}`, seq, 0);
    if (!header.journalId.every((byte, index) => byte === this.journalId[index]))
      throw this.corrupt('it belongs to another log', seq, 0);
    return header;
  }

  /** The error for damage at a place before which all is readable. */
  corrupt(what: string, seq: number, offset: number, readableAfter?: Lsn): WalCorruptError {
    const readableBefore = this.lsnAt(seq, Math.max(offset, segmentHeaderBytes));
    return new WalCorruptError(what, { file: this.segmentPath(seq), offset, readableBefore, readableAfter });
  }
}

/** The name of a segment's file. */
export function segmentName(seq: number): string {
  return `${seq.toString(16).padStart(16, '0')}.seg`;
}

/** Sequence numbers of the segments among the names of a folder, ascending. */
function segmentsAmong(names: readonly string[]): number[] {
  return names
    .map((name) => segmentPattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map((digits) => Number.parseInt(digits, 16))
    .sort((a, b) => a - b);
}

async function readJournalFile(path: string, files: Files): Promise<JournalFile> {
  const file = `${path}/${journalName}`;
  const journal = await withFile(files.open(file, 'read'), async (opened) => {
    const frame = new FrameBuffer(Math.min(await opened.size(), 2 * journalFileBytes) & ~7);
    await readWhole(opened, file, frame.bytes, 0, frame.bytes.length, 0);
    return decodeJournalFile(frame);
  });
  if (typeof journal === 'string') {
    throw new WalCorruptError(`it cannot be used: ${journal}`, {
      file,
      offset: 0,
      readableBefore: 0,
      readableAfter: undefined,
    });
  }
  return journal;
}

async function isUnused(files: Files, file: string): Promise<boolean> {
  return withFile(files.open(file, 'read'), async (opened) => {
    const chunk = new Uint8Array(zeroChunk.length);
    for (let at = segmentHeaderBytes; ; at += chunk.length) {
      const count = await readWhole(opened, file, chunk, 0, chunk.length, at);
      if (chunk.subarray(0, count).some((byte) => byte !== 0)) return false;
      if (count < chunk.length) return true;
    }
  });
}

/** A making that was cut short leaves at most one empty segment; anything else without a JOURNAL file is a damaged log. */
async function clearUnfinished(path: string, files: Files, seqs: readonly number[]): Promise<void> {
  for (const seq of seqs) {
    const file = `${path}/${segmentName(seq)}`;
    if (seq > 0 || !(await isUnused(files, file))) {
      const damage = { file: `${path}/${journalName}`, offset: 0, readableBefore: 0, readableAfter: undefined };
      throw new WalCorruptError(`it is missing, and segment ${seq} is in use`, damage);
    }
    await files.remove(file);
  }
}

/** A log's folder and what lies in it. The heads of its segments are still to be read, unless it is new. */
export interface FoundLog {
  readonly folder: LogFolder;
  readonly names: readonly string[];
  readonly seqs: readonly number[];
}

/** Finds the log in a folder, or makes an empty one: its first segment, then JOURNAL, whose presence says it is made. */
export async function openLogFolder(
  path: string,
  options: { readonly segmentBytes: number; readonly files: Files; readonly clock: Clock; readonly random: Random },
): Promise<FoundLog> {
  const { files, random } = options;
  const names = await files.list(path);
  for (const name of names) if (name.endsWith(asideSuffix)) await files.remove(`${path}/${name}`);
  const seqs = segmentsAmong(names);
  if (names.includes(journalName)) {
    const folder = new LogFolder(path, files, random, await readJournalFile(path, files));
    folder.hasReserve = names.includes(reserveName);
    return { folder, names, seqs };
  }
  await clearUnfinished(path, files, seqs);
  const journal = {
    journalId: randomBytes(random, 16),
    segmentBytes: options.segmentBytes,
    createdAt: options.clock.now(),
  };
  const folder = new LogFolder(path, files, random, journal);
  await folder.createSegment(0);
  await createWhole(files, path, journalName, (file) =>
    writeWhole(file, encodeJournalFile(journal), 0, journalFileBytes, 0),
  );
  return { folder, names: [], seqs: [0] };
}
