/**
 * A second reader of the log, beside the one that opens it: it changes nothing, takes no lock, goes on behind damage, and
 * verifies every checksum there is. The two are held against each other by the torture tests.
 *
 * A writer may be at work meanwhile. So nothing is concluded from what is missing at a place before the place was looked
 * at once more, *after* that behind it which seemed to prove it should be there: the log makes a batch durable before it
 * writes the next, so by then it is there, or it is damage.
 */
import { batchHeaderBytes } from '../../wal/batch-header.ts';
import { FrameBuffer } from '../../wal/frame-buffer.ts';
import { decodeRecord } from '../../wal/record-frame.ts';
import {
  decodeSegmentHeader,
  type JournalFile,
  type SegmentHeader,
  segmentHeaderBytes,
} from '../../wal/segment-header.ts';
import { TextReader } from '../../wal/text-codec.ts';
import type { Lsn } from '../../wal/wal-record.ts';
import { readWhole, withFile } from '../../wal/whole-io.ts';
import { type BatchReading, readBatch, recordsOf } from './batch-reading.ts';
import type { AuditedCheckpoint } from './checkpoint-audit.ts';
import { CheckpointBook } from './checkpoint-book.ts';
import {
  type AuditedSegment,
  type AuditOptions,
  type Damage,
  type LogAudit,
  SegmentFacts,
  type SegmentWalk,
  type TornWrite,
} from './audit-facts.ts';
import { listLog, type LogListing, readJournalFile, segmentName } from './log-listing.ts';
import { judgeHead } from './segment-head.ts';
import { type Beyond, SegmentWindow } from './segment-window.ts';

type Last = 'segment-end' | 'end-of-log';

class Auditor {
  readonly segments: SegmentFacts[] = [];
  readonly checkpoints = new CheckpointBook();
  readonly damages: Damage[] = [];
  journal: JournalFile | undefined;
  torn: TornWrite | undefined;
  how: LogAudit['end']['how'] = 'unmarked';
  endLsn: Lsn = 0;
  private previousCrc: number | undefined = 0;
  private listing: LogListing;
  private readonly options: AuditOptions;
  private readonly texts = new TextReader();

  constructor(listing: LogListing, options: AuditOptions) {
    this.listing = listing;
    this.options = options;
  }

  async run(): Promise<void> {
    await this.readJournal();
    if (this.journal === undefined) return;
    await this.checkpoints.read(this.options.files, this.listing, this.journal.journalId, (checkpoint) =>
      this.noteCheckpoint(checkpoint, checkpoint.problem?.what ?? '', checkpoint.problem?.offset ?? 0),
    );
    let last: Last = 'segment-end';
    let seq = await this.firstSeq();
    for (; last === 'segment-end' && (await this.isThere(seq)); seq++) last = await this.auditSegment(seq);
    // What is left is prepared ahead: nothing but its head counts.
    const { how } = this;
    for (const ahead of how === 'goes-on' ? [] : this.listing.segments)
      if (ahead >= seq) await this.auditSegment(ahead, false);
    this.judgeCheckpoints();
  }

  private path(seq: number): string {
    return `${this.listing.path}/${segmentName(seq)}`;
  }

  private lsn(seq: number, offset: number): Lsn {
    return seq * (this.journal?.segmentBytes ?? 0) + offset;
  }

  private note(
    kind: Damage['kind'],
    seq: number,
    offset: number,
    what: string,
    nextOffset?: number,
    file?: string,
  ): void {
    const damage: Damage = {
      kind,
      seq,
      file: file ?? this.path(seq),
      offset,
      what,
      readableBefore: this.lsn(seq, Math.max(offset, segmentHeaderBytes)),
      readableAfter: nextOffset === undefined ? undefined : this.lsn(seq, nextOffset),
      previousCrc: this.previousCrc,
    };
    this.damages.push(damage);
    this.options.onDamage?.(damage);
    // What follows cannot be held against what came before.
    this.previousCrc = undefined;
  }

  // A log whose JOURNAL is lost is still told by the heads of its segments, each of which repeats it.
  private async readJournal(): Promise<void> {
    const journal = await readJournalFile(this.options.files, this.listing);
    if (typeof journal !== 'string') {
      this.journal = journal;
      return;
    }
    for (const seq of this.listing.segments) {
      const head = await this.withSegment(seq, async (_window, found) => found);
      if (typeof head !== 'string') this.journal ??= { ...head, createdAt: Number.NaN };
    }
    this.note('journal', 0, 0, journal, undefined, `${this.listing.path}/JOURNAL`);
    this.previousCrc = 0;
  }

  private noteCheckpoint({ file, lsn }: AuditedCheckpoint, what: string, offset: number): void {
    const known = this.previousCrc;
    this.note('checkpoint', Math.floor(lsn / (this.journal?.segmentBytes ?? 1)), offset, what, undefined, file);
    this.previousCrc = known;
  }

  // Behind a checkpoint the log may begin later than at its beginning, but not behind what the checkpoint follows.
  private async firstSeq(): Promise<number> {
    const [first = 0] = this.listing.segments;
    if (first === 0 || !this.checkpoints.allowsBeginningAt(this.lsn(first, 0))) return 0;
    this.previousCrc = undefined;
    const { newest } = this.checkpoints;
    if (newest !== undefined) await this.options.onTrimmed?.(newest);
    return first;
  }

  private judgeCheckpoints(): void {
    const from = this.lsn(this.listing.segments[0] ?? 0, 0);
    const damagedAt = this.damages
      .filter(({ kind }) => kind !== 'checkpoint')
      .map(({ readableBefore }) => readableBefore);
    for (const checkpoint of this.checkpoints.strangers(from, Math.min(Infinity, ...damagedAt))) {
      const what = `it was made behind a batch at position ${checkpoint.lastFrameLsn}, which is not there`;
      this.noteCheckpoint(checkpoint, what, 0);
    }
  }

  /** Whether a segment is there; the writer may have made it, or trimmed it away, since the folder was listed. */
  private async isThere(seq: number): Promise<boolean> {
    if (this.listing.segments.includes(seq)) return true;
    const lastListed = this.listing.segments.at(-1) ?? 0;
    this.listing = await listLog(this.options.files, this.listing.path);
    if (this.listing.segments.includes(seq)) {
      // All that was there at the beginning has been read; a busy writer could be followed for ever.
      if (seq > lastListed) this.how = 'goes-on';
      return seq <= lastListed;
    }
    const [first = 0] = this.listing.segments;
    if (this.checkpoints.all.length > 0 && seq < first && seq > 0) return true;
    const later = this.listing.segments.find((one) => one > seq);
    this.note('missing', seq, 0, `segment ${seq} is missing`);
    this.segments.push(new SegmentFacts(seq, this.path(seq), 0));
    return later !== undefined;
  }

  private withSegment<Result>(
    seq: number,
    use: (window: SegmentWindow, head: SegmentHeader | string) => Promise<Result>,
  ): Promise<Result> {
    const path = this.path(seq);
    return withFile(this.options.files.open(path, 'read'), async (file) => {
      const bytes = await file.size();
      const frame = new FrameBuffer(segmentHeaderBytes);
      const count = await readWhole(file, path, frame.bytes, 0, segmentHeaderBytes, 0);
      const head = count < segmentHeaderBytes ? `it is ${bytes} bytes long` : decodeSegmentHeader(frame);
      return use(new SegmentWindow(file, path, this.lsn(seq, 0), bytes), head);
    });
  }

  private auditSegment(seq: number, inUse = true): Promise<Last> {
    if (!this.listing.segments.includes(seq)) return Promise.resolve('segment-end');
    const auditing = this.withSegment<Last>(seq, async (window, head) => {
      const facts = new SegmentFacts(seq, this.path(seq), window.bytes);
      this.segments.push(facts);
      this.noteHead(seq, window.bytes, head);
      if (!inUse) return 'end-of-log';
      const walk = { seq, window, facts, salt: typeof head === 'string' ? undefined : head.salt };
      return this.walk(walk);
    });
    return auditing.catch(async (error: unknown) => this.skipIfTrimmed(seq, error));
  }

  // A writer that trims its log may remove a segment between our listing and our opening it.
  private async skipIfTrimmed(seq: number, error: unknown): Promise<Last> {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    this.listing = await listLog(this.options.files, this.listing.path);
    if (seq >= (this.listing.segments[0] ?? 0)) throw error;
    this.previousCrc = undefined;
    return 'segment-end';
  }

  private noteHead(seq: number, bytes: number, head: SegmentHeader | string): void {
    if (this.journal === undefined) return;
    const known = this.previousCrc;
    for (const { kind, offset, what } of judgeHead({ seq, bytes }, head, this.journal))
      this.note(kind, seq, offset, what);
    // The chain does not run through the heads: it goes on where it was.
    this.previousCrc = known;
  }

  private async walk(walk: SegmentWalk): Promise<Last> {
    let offset = segmentHeaderBytes;
    for (;;) {
      this.options.signal?.throwIfAborted();
      let reading = await this.read(walk, offset);
      if (reading.kind !== 'data' && reading.kind !== 'segment-end') {
        const from = reading.kind === 'bad' ? offset : reading.end;
        const beyond = await walk.window.beyond(from, walk.salt);
        // Behind a seal nothing is written before it is overwritten: what is there is not of the log.
        const isDurable =
          reading.kind === 'seal'
            ? this.later(walk.seq).length > 1
            : beyond.nextBatch !== undefined || (await this.laterInUse(walk.seq));
        if (!isDurable) return this.endHere(walk, offset, reading, beyond);
        walk.window.refresh();
        reading = await this.read(walk, offset);
        if (reading.kind !== 'data' && reading.kind !== 'segment-end') {
          const what =
            reading.kind === 'bad' ? reading.why : 'the end of the log stands there, and behind it there is more';
          this.note('batch', walk.seq, offset, what, beyond.nextBatch);
          walk.facts.damages++;
          walk.facts.usedEnd = beyond.usedEnd;
          if (beyond.nextBatch === undefined) return 'segment-end';
          offset = beyond.nextBatch;
          continue;
        }
      }
      await this.take(walk, offset, reading);
      offset = reading.end;
      if (reading.kind === 'segment-end') return 'segment-end';
    }
  }

  private read(walk: SegmentWalk, offset: number): Promise<BatchReading> {
    return readBatch(walk.window, offset, { previousCrc: this.previousCrc, salt: walk.salt });
  }

  private async take(
    walk: SegmentWalk,
    offset: number,
    reading: Exclude<BatchReading, { kind: 'bad' }>,
  ): Promise<void> {
    const { header, end } = reading;
    this.previousCrc = header.crc;
    this.endLsn = this.lsn(walk.seq, end);
    walk.facts.take(header, end);
    this.checkpoints.meet(header);
    const { journal, options } = this;
    options.onProgress?.(this.endLsn, this.listing.segments.length * (journal?.segmentBytes ?? 0));
    const body = await walk.window.at(offset, end - offset);
    if (body === undefined || options.onRecord === undefined || reading.kind !== 'data') return;
    const records = recordsOf(body.frame, body.start + batchHeaderBytes, header);
    if (typeof records === 'string') return;
    for (const at of records) options.onRecord(decodeRecord(body.frame, at, this.texts));
    await options.onBatch?.();
  }

  private endHere(walk: SegmentWalk, offset: number, reading: BatchReading, beyond: Beyond): Last {
    this.endLsn = this.lsn(walk.seq, offset);
    if (reading.kind === 'seal') this.how = 'sealed';
    else if (reading.kind === 'mark') this.how = 'marked';
    const from = reading.kind === 'mark' || reading.kind === 'seal' ? reading.end : offset;
    walk.facts.usedEnd = beyond.usedEnd;
    if (beyond.usedEnd > from && reading.kind !== 'seal')
      this.torn = { seq: walk.seq, file: this.path(walk.seq), offset: from, bytes: beyond.usedEnd - from };
    return 'end-of-log';
  }

  private later(seq: number): readonly number[] {
    return this.listing.segments.filter((one) => one > seq);
  }

  // One segment is prepared ahead, and empty: the end of this one becomes durable before it is used.
  private async laterInUse(seq: number): Promise<boolean> {
    const later = this.later(seq);
    if (later.length > 1) return true;
    const [next] = later;
    if (next === undefined) return false;
    return this.withSegment(next, async (window) => {
      if (window.bytes <= segmentHeaderBytes) return false;
      return (await window.beyond(segmentHeaderBytes, undefined)).usedEnd > segmentHeaderBytes;
    });
  }
}

/**
 * Reads all of a log and says what is there and what is wrong with it; changes nothing and needs no lock.
 *
 * @throws {CommandError} when no log is there, or one of a newer version.
 * @throws {WalReadError} when the disk refuses to give bytes back.
 */
export async function auditLog(path: string, options: AuditOptions): Promise<LogAudit> {
  const listing = await listLog(options.files, path);
  const auditor = new Auditor(listing, options);
  await auditor.run();
  const segments: AuditedSegment[] = auditor.segments.map((facts) => facts.done());
  const sum = (key: 'batches' | 'records'): number => segments.reduce((total, segment) => total + segment[key], 0);
  const { journal, checkpoints, damages, torn, how, endLsn } = auditor;
  return {
    listing,
    journal,
    segments,
    checkpoints: checkpoints.all,
    damages,
    torn,
    end: { lsn: endLsn, how },
    batches: sum('batches'),
    records: sum('records'),
  };
}
