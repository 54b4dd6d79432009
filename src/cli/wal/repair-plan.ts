/**
 * What can be done about a log, decided before anything is touched. In order of preference:
 *
 * - what is written twice is written again (JOURNAL from the segments' heads, a head from JOURNAL and its batches);
 * - a single flipped bit is flipped back, where the batch's own checksums leave no other reading;
 * - a segment that was prepared ahead and is empty is put aside: another is made;
 * - else the log ends before the damage, and all that stood behind it is put aside. That loses records which were
 *   acknowledged, and is done only for who accepts the loss by name.
 */
import type { Files } from '../../ports/files.ts';
import { batchHeaderBytes, decodeBatchHeader } from '../../wal/batch-header.ts';
import { FrameBuffer } from '../../wal/frame-buffer.ts';
import { encodeJournalFile, encodeSegmentHeader, type JournalFile } from '../../wal/segment-header.ts';
import { withFile } from '../../wal/whole-io.ts';
import type { Damage, LogAudit } from './audit-facts.ts';
import { readBatch } from './batch-reading.ts';
import { findFlippedBit } from './flipped-bit.ts';
import { segmentName } from './log-listing.ts';
import { SegmentWindow } from './segment-window.ts';

/** One thing a repair does. Whatever it overwrites or takes away is put aside first. */
export type RepairStep =
  | { readonly action: 'write-journal'; readonly bytes: Uint8Array }
  | {
      readonly action: 'patch';
      readonly seq: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
      readonly why: string;
    }
  | { readonly action: 'set-aside'; readonly seq: number }
  /** With no offset the whole segment is put aside, and an empty one takes its place. */
  | {
      readonly action: 'cut';
      readonly seq: number;
      readonly offset: number | undefined;
      readonly later: readonly number[];
      /** Those of positions that the log will not have any more. */
      readonly checkpoints: readonly string[];
    }
  | { readonly action: 'drop-checkpoint'; readonly name: string }
  /** Nothing: opening begins at a checkpoint behind it. */
  | { readonly action: 'leave'; readonly seq: number; readonly offset: number; readonly checkpoint: string }
  | { readonly action: 'open' };

/** All that is to be done, in order. */
export interface RepairPlan {
  readonly steps: readonly RepairStep[];
  /** Position from which on acknowledged records are given up, where there is no other way. */
  readonly losesFrom: number | undefined;
}

/** The bytes with one bit of them flipped. */
function flipped(bytes: Uint8Array, offset: number, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = (copy[offset] ?? 0) ^ (1 << bit);
  return copy;
}

class Planner {
  private readonly audit: LogAudit;
  private readonly files: Files;
  private readonly journal: JournalFile;

  constructor(audit: LogAudit, files: Files, journal: JournalFile) {
    this.audit = audit;
    this.files = files;
    this.journal = journal;
  }

  async plan(): Promise<RepairPlan | undefined> {
    const steps: RepairStep[] = [];
    for (const damage of this.audit.damages) {
      const step = await this.mend(damage);
      if (step !== undefined) {
        steps.push(step);
        continue;
      }
      if (damage.kind === 'checkpoint') {
        const name = this.strangerAt(damage);
        return name === undefined
          ? undefined
          : { steps: [...steps, { action: 'drop-checkpoint', name }], losesFrom: this.audit.end.lsn };
      }
      steps.push(this.cutBefore(damage));
      return { steps, losesFrom: damage.readableBefore };
    }
    const { torn, listing } = this.audit;
    if (torn !== undefined || listing.unfinished.length > 0) steps.push({ action: 'open' });
    return { steps, losesFrom: undefined };
  }

  private cutBefore(damage: Damage): RepairStep {
    const { seq, readableBefore } = damage;
    const offset = damage.kind === 'batch' ? damage.offset : undefined;
    const later = this.audit.listing.segments.filter((one) => one > seq);
    const behind = this.audit.checkpoints.filter(({ lsn, problem }) => problem === undefined && lsn > readableBefore);
    return { action: 'cut', seq, offset, later, checkpoints: behind.map(({ name }) => name) };
  }

  /** The newest whole checkpoint, when a place lies before the batch that it follows. */
  private checkpointBehind(lsn: number): string | undefined {
    const whole = this.audit.checkpoints.filter(({ problem }) => problem === undefined);
    const newest = whole.toSorted((one, other) => other.lsn - one.lsn)[0];
    return newest !== undefined && lsn < newest.lastFrameLsn ? newest.name : undefined;
  }

  /** What can be done about damage, short of ending the log before it. */
  private async mend(damage: Damage): Promise<RepairStep | undefined> {
    const { kind, seq, offset, readableBefore } = damage;
    const step = await this.mendWhole(damage);
    const checkpoint = this.checkpointBehind(readableBefore);
    if (step !== undefined || checkpoint === undefined || kind !== 'batch') return step;
    return { action: 'leave', seq, offset, checkpoint };
  }

  /** A step that loses nothing, or `undefined` when there is none. */
  private mendWhole(damage: Damage): RepairStep | undefined | Promise<RepairStep | undefined> {
    switch (damage.kind) {
      case 'journal':
        return { action: 'write-journal', bytes: encodeJournalFile(this.knownJournal()) };
      case 'checkpoint':
        return this.withoutCheckpoint(damage);
      case 'head':
        return this.isSpare(damage.seq) ? { action: 'set-aside', seq: damage.seq } : this.headAgain(damage.seq);
      case 'size':
      case 'foreign':
        return this.isSpare(damage.seq) ? { action: 'set-aside', seq: damage.seq } : undefined;
      case 'missing':
        return undefined;
      case 'batch':
        return this.bitBack(damage);
    }
  }

  // What stands in a checkpoint stands in the log too, as long as no segment was trimmed on its strength alone.
  private withoutCheckpoint({ file }: Damage): RepairStep | undefined {
    const { checkpoints, listing } = this.audit;
    const found = checkpoints.find((one) => one.file === file);
    const hasOther = checkpoints.some((one) => one !== found && one.problem === undefined);
    if (found?.problem === undefined || !(hasOther || listing.segments[0] === 0)) return undefined;
    return { action: 'drop-checkpoint', name: found.name };
  }

  /** A whole checkpoint of a log that was longer once: without it the log opens, as if the loss had not been. */
  private strangerAt({ file }: Damage): string | undefined {
    const found = this.audit.checkpoints.find((one) => one.file === file);
    return found?.problem === undefined && this.audit.listing.segments[0] === 0 ? found?.name : undefined;
  }

  // The time of its making stands in JOURNAL alone; that of the first batch is the nearest there is.
  private knownJournal(): JournalFile {
    const firstTime = this.audit.segments.find((segment) => segment.firstTime !== undefined)?.firstTime;
    const { createdAt } = this.journal;
    return { ...this.journal, createdAt: Number.isNaN(createdAt) ? (firstTime ?? 0) : createdAt };
  }

  /** Prepared ahead, and nothing in it: the last one, behind an end of the log that is known. */
  private isSpare(seq: number): boolean {
    const { segments, end, listing } = this.audit;
    const endsBefore = end.lsn < seq * this.journal.segmentBytes && end.how !== 'unmarked';
    const facts = segments.find((segment) => segment.seq === seq);
    return endsBefore && facts?.records === 0 && listing.segments.at(-1) === seq;
  }

  private async headAgain(seq: number): Promise<RepairStep | undefined> {
    const firstLsn = this.audit.segments.find((segment) => segment.seq === seq)?.firstLsn;
    if (firstLsn === undefined) return undefined;
    return this.withWindow(seq, async (window) => {
      const header = await window.headAt(firstLsn % this.journal.segmentBytes);
      if (header === undefined) return undefined;
      const bytes = encodeSegmentHeader({ ...this.journal, seq, salt: header.salt });
      return {
        action: 'patch',
        seq,
        offset: 0,
        bytes,
        why: 'the head of the segment, written again from what its batches and JOURNAL say',
      };
    });
  }

  private bitBack(damage: Damage): Promise<RepairStep | undefined> {
    const { seq, offset } = damage;
    return this.withWindow(seq, async (window) => {
      const head = await window.at(offset, batchHeaderBytes);
      if (head === undefined) return undefined;
      const bytes = head.frame.bytes.slice(head.start, head.start + batchHeaderBytes);
      const header = await window.headAt(offset);
      if (header === undefined) return this.headBitBack(window, damage, bytes);
      if (!window.belongs(header, offset, undefined)) return undefined;
      const batch = await window.at(offset, batchHeaderBytes + header.bodyBytes);
      if (batch === undefined) return undefined;
      const start = batch.start + batchHeaderBytes;
      const place = findFlippedBit(batch.frame.bytes.subarray(start, start + header.bodyBytes), header.bodyCrc);
      if (place === undefined) return undefined;
      const at = offset + batchHeaderBytes + place.offset;
      const byte = batch.frame.bytes.slice(start + place.offset, start + place.offset + 1);
      return this.proven(window, damage, { at, bytes: flipped(byte, 0, place.bit), bit: place.bit });
    });
  }

  private async headBitBack(window: SegmentWindow, damage: Damage, bytes: Uint8Array): Promise<RepairStep | undefined> {
    const frame = new FrameBuffer(batchHeaderBytes);
    for (let bit = 0; bit < batchHeaderBytes * 8; bit++) {
      frame.bytes.set(flipped(bytes, bit >>> 3, bit & 7));
      const header = decodeBatchHeader(frame, 0);
      if (header === undefined || !window.belongs(header, damage.offset, undefined)) continue;
      const byte = frame.bytes.slice(bit >>> 3, (bit >>> 3) + 1);
      return this.proven(window, damage, { at: damage.offset + (bit >>> 3), bytes: byte, bit: bit & 7 });
    }
    return undefined;
  }

  // One checksum may agree by chance; with head, body, every record and the chain agreeing it does not.
  private async proven(
    window: SegmentWindow,
    damage: Damage,
    change: { at: number; bytes: Uint8Array; bit: number },
  ): Promise<RepairStep | undefined> {
    const reading = await window.changed(change.at, change.bytes, () =>
      readBatch(window, damage.offset, { previousCrc: damage.previousCrc, salt: undefined }),
    );
    if (reading.kind === 'bad') return undefined;
    const why = `bit ${change.bit} of byte ${change.at}, flipped back: then all checksums of the batch at byte ${damage.offset} agree`;
    return { action: 'patch', seq: damage.seq, offset: change.at, bytes: change.bytes, why };
  }

  private withWindow<Result>(seq: number, use: (window: SegmentWindow) => Promise<Result>): Promise<Result> {
    const path = `${this.audit.listing.path}/${segmentName(seq)}`;
    return withFile(this.files.open(path, 'read'), async (file) =>
      use(new SegmentWindow(file, path, seq * this.journal.segmentBytes, await file.size())),
    );
  }
}

/** Decides what to do about a log; `undefined` when nothing can: what it would take is nowhere. */
export async function planRepair(audit: LogAudit, files: Files): Promise<RepairPlan | undefined> {
  if (audit.journal === undefined) return undefined;
  return new Planner(audit, files, audit.journal).plan();
}
