/**
 * Many appends, one flush: while one batch is being written, the next fills.
 *
 *   filling ──(nothing is in flight, or the flight ends)──▶ in flight ──▶ durable: its appends are answered, in order
 *
 * What finds no room in the filling batch waits in line. A failed write or sync ends it all: in flight, filling and
 * waiting appends are rejected, and nothing is written again through this descriptor.
 */
import type { Clock, TimerHandle } from '../ports/clock.ts';
import { Batch, type WalWaiter } from './batch.ts';
import { batchHeaderBytes } from './batch-header.ts';
import type { LogWriter } from './log-writer.ts';
import { checkEntry, recordBound, recordBytes } from './record-frame.ts';
import { WalFailedError, WalOverloadedError } from './wal-errors.ts';
import type { WalPoint } from './wal-checkpoint.ts';
import type { Lsn, WalEntry } from './wal-record.ts';

// A batch of so many bytes need not wait for the turn to end: its bytes cost the disk more than a flush itself does, and
// while it is written, the rest of the turn's appends are encoded. Callers in lock-step fall into groups by this, one on
// its way to the disk and one at work.
const earlyFlushBytes = 256 * 1024;

// Long enough not to disturb callers in lock-step, short enough that most crashes find the mark (wal.md).
const silenceBeforeMarkMs = 10;

export interface FlushBounds {
  /** Whether an append that finds nothing in flight is written at once. */
  readonly inline: boolean;
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly maxWaitingAppends: number;
  readonly maxWaitingBytes: number;
}

interface WaitingAppend {
  readonly entries: readonly WalEntry[];
  readonly bytes: number;
  readonly waiter: WalWaiter;
}

export class GroupCommit {
  /** Between two batches, everything before it durable; moves before the appends of a batch are answered. */
  point: WalPoint;
  failed: WalFailedError | undefined;
  private readonly path: string;
  private readonly writer: LogWriter;
  private readonly clock: Clock;
  private readonly bounds: FlushBounds;
  private readonly largestAppend: number;
  private readonly onFailure: (error: WalFailedError) => void;
  private filling: Batch;
  private resting: Batch;
  private inFlight: Batch | undefined;
  private waiting: WaitingAppend[] = [];
  private waitingFrom = 0;
  private waitingBytes = 0;
  private writing = false;
  private flushIsDue = false;
  private markTimer: TimerHandle;
  private markIsDue = false;
  private lastFlushMs = 0;
  private onIdle: (() => void) | undefined;
  // One executor for all promises: a closure an append would cost as much again as the promise.
  private resolveNew: (lsn: Lsn) => void = () => undefined;
  private rejectNew: (error: unknown) => void = () => undefined;
  private readonly executor = (resolve: (lsn: Lsn) => void, reject: (error: unknown) => void): void => {
    this.resolveNew = resolve;
    this.rejectNew = reject;
  };

  constructor(
    path: string,
    writer: LogWriter,
    clock: Clock,
    bounds: FlushBounds,
    lastFrameLsn: Lsn,
    onFailure: (error: WalFailedError) => void,
  ) {
    this.path = path;
    this.writer = writer;
    this.clock = clock;
    this.bounds = bounds;
    this.onFailure = onFailure;
    this.point = { lsn: writer.endLsn, lastFrameLsn, previousCrc: writer.previousCrc };
    this.largestAppend = writer.roomAt(writer.nextSegmentLsn(0)) - batchHeaderBytes;
    this.filling = new Batch(bounds.maxBatchBytes);
    this.resting = new Batch(bounds.maxBatchBytes);
    this.filling.startLsn = writer.endLsn;
  }

  get durableLsn(): Lsn {
    return this.point.lsn;
  }

  /** As {@link GroupCommit.appendWith}, with a promise. */
  append(entries: readonly WalEntry[]): Promise<Lsn> {
    const promise = new Promise<Lsn>(this.executor);
    this.appendWith(entries, { resolve: this.resolveNew, reject: this.rejectNew });
    return promise;
  }

  /** Takes entries into the filling batch, or into the line behind it. */
  appendWith(entries: readonly WalEntry[], waiter: WalWaiter): void {
    if (this.failed !== undefined) {
      waiter.reject(this.failed);
      return;
    }
    let bound = 0;
    try {
      bound = this.check(entries);
    } catch (error) {
      waiter.reject(error);
      return;
    }
    if (this.waiting.length === 0 && this.admit(entries, bound, waiter)) {
      if (!this.bounds.inline || !this.flushNow()) this.scheduleFlush();
    } else this.putInLine(entries, bound, waiter);
  }

  /** Resolves once nothing is in flight, filling or waiting, or the log has failed and the last write has ended. */
  idle(): Promise<void> {
    this.cancelMark();
    if (!this.writing && !this.flushIsDue) return Promise.resolve();
    return new Promise((resolve) => {
      this.onIdle = resolve;
    });
  }

  // Returns what the entries take at most.
  private check(entries: readonly WalEntry[]): number {
    if (entries.length === 0) throw new RangeError('Expected entries to hold at least 1 entry, got 0');
    let bound = 0;
    for (const entry of entries) {
      checkEntry(entry);
      bound += recordBound(entry);
    }
    if (bound > this.largestAppend) {
      bound = exactBytes(entries);
      if (bound > this.largestAppend) {
        throw new RangeError(
          `Expected the entries of one append to take at most ${this.largestAppend} bytes, which is what a segment holds, got ${bound}`,
        );
      }
    }
    return bound;
  }

  private admit(entries: readonly WalEntry[], bound: number, waiter: WalWaiter): boolean {
    const batch = this.filling;
    const room = this.writer.roomAt(batch.startLsn);
    let bytes = bound;
    if (batch.length + bytes > Math.min(room, this.bounds.maxBatchBytes)) {
      bytes = exactBytes(entries);
      if (batch.length + bytes > room) {
        if (!batch.isEmpty) return false;
        batch.startLsn = this.writer.nextSegmentLsn(batch.startLsn);
      } else if (batch.length + bytes > this.bounds.maxBatchBytes && !batch.isEmpty) return false;
    }
    if (batch.count + entries.length > this.bounds.maxBatchRecords && !batch.isEmpty) return false;
    try {
      batch.reserve(bytes);
      batch.add(entries, bytes, waiter);
    } catch (error) {
      waiter.reject(error);
    }
    return true;
  }

  private putInLine(entries: readonly WalEntry[], bytes: number, waiter: WalWaiter): void {
    const { maxWaitingAppends, maxWaitingBytes } = this.bounds;
    const appends = this.waiting.length - this.waitingFrom;
    if (appends >= maxWaitingAppends || this.waitingBytes + bytes > maxWaitingBytes) {
      waiter.reject(new WalOverloadedError(this.path, appends, this.waitingBytes));
      return;
    }
    this.waitingBytes += bytes;
    this.waiting.push({ entries, bytes, waiter });
  }

  private admitWaiting(): void {
    while (this.waitingFrom < this.waiting.length) {
      const next = this.waiting[this.waitingFrom] as WaitingAppend;
      if (!this.admit(next.entries, next.bytes, next.waiter)) break;
      this.waitingFrom++;
      this.waitingBytes -= next.bytes;
    }
    // Those at the front are cut off by the half, so that a line which never ends does not keep all that ever waited.
    if (this.waitingFrom * 2 < this.waiting.length) return;
    this.waiting = this.waiting.slice(this.waitingFrom);
    this.waitingFrom = 0;
  }

  /** Writes the batch before it returns, when nothing is in the way. */
  private flushNow(): boolean {
    const batch = this.filling;
    if (this.writing || this.flushIsDue || batch.isEmpty) return false;
    try {
      if (!this.writer.writeBatchNow(batch)) return false;
    } catch (error) {
      this.fail('while writing a batch', error);
      return true;
    }
    this.inFlight = batch;
    this.filling = this.resting;
    this.resting = batch;
    this.filling.startLsn = batch.endLsn;
    this.afterWrite();
    return true;
  }

  // In a later turn: what becomes ready in this one still gets into the batch. Not so when it is large already.
  private scheduleFlush(): void {
    if (this.writing || this.filling.isEmpty) return;
    if (this.filling.length >= earlyFlushBytes) this.flush();
    else if (!this.flushIsDue) {
      this.flushIsDue = true;
      this.clock.soon(this.flushIfDue);
    }
  }

  private readonly flushIfDue = (): void => {
    if (this.flushIsDue) this.flush();
  };

  private flush(): void {
    this.flushIsDue = false;
    const batch = this.filling;
    this.filling = this.resting;
    this.resting = batch;
    this.inFlight = batch;
    this.filling.startLsn = batch.endLsn;
    void this.run(this.writer.writeBatch(batch), 'while writing a batch');
  }

  private async run(writing: Promise<void>, during: string): Promise<void> {
    this.writing = true;
    try {
      await writing;
      this.writing = false;
      this.afterWrite();
    } catch (error) {
      this.writing = false;
      this.fail(during, error);
    }
    if (!this.writing && !this.flushIsDue) this.onIdle?.();
  }

  private afterWrite(): void {
    const batch = this.inFlight;
    if (batch !== undefined) {
      this.inFlight = undefined;
      this.point = { lsn: batch.endLsn, lastFrameLsn: batch.startLsn, previousCrc: this.writer.previousCrc };
      batch.resolveAll();
    }
    this.admitWaiting();
    this.scheduleFlush();
    if (!this.writing && !this.flushIsDue && batch !== undefined) this.markAfterSilence();
  }

  private fail(during: string, cause: unknown): void {
    const error = new WalFailedError(this.path, during, { cause });
    this.failed = error;
    this.cancelMark();
    this.inFlight?.rejectAll(error);
    this.inFlight = undefined;
    this.filling.rejectAll(error);
    for (const { waiter } of this.waiting.slice(this.waitingFrom)) waiter.reject(error);
    this.waiting = [];
    this.waitingFrom = 0;
    this.waitingBytes = 0;
    this.onFailure(error);
  }

  // One timer that looks how long ago the last flush was, rather than one set and cleared a flush.
  private markAfterSilence(): void {
    this.lastFlushMs = this.clock.monotonicMs();
    if (this.markIsDue || this.onIdle !== undefined) return;
    this.markIsDue = true;
    this.markTimer = this.clock.setTimer(silenceBeforeMarkMs, this.markIfSilent);
  }

  private readonly markIfSilent = (): void => {
    this.markIsDue = false;
    if (this.writing || this.flushIsDue) return;
    const silentMs = this.clock.monotonicMs() - this.lastFlushMs;
    if (silentMs < silenceBeforeMarkMs) {
      this.markIsDue = true;
      this.markTimer = this.clock.setTimer(silenceBeforeMarkMs - silentMs, this.markIfSilent);
    } else void this.run(this.writer.writeMark(), 'while marking its end');
  };

  private cancelMark(): void {
    if (this.markIsDue) this.clock.clearTimer(this.markTimer);
    this.markIsDue = false;
  }
}

function exactBytes(entries: readonly WalEntry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += recordBytes(entry);
  return bytes;
}
