import { batchHeaderBytes } from './batch-header.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { encodeRecord } from './record-frame.ts';
import type { Lsn, WalEntry } from './wal-record.ts';

/**
 * Settles one append. Called in the order of the log, in the same turn in which the durable position moves: what an
 * owner changes in `resolve` is never behind the log, which a promise, one turn later, could not say.
 */
export interface WalWaiter {
  resolve(lsn: Lsn): void;
  reject(error: unknown): void;
}

/** The records of one commit, encoded behind room for their head, and those who wait for them. Used over and over. */
export class Batch {
  /** Where the head will stand. */
  startLsn: Lsn = 0;
  /** Bytes used, the head's included. */
  length: number = batchHeaderBytes;
  count = 0;
  frame: FrameBuffer;
  private readonly ownFrame: FrameBuffer;
  private readonly waiters: WalWaiter[] = [];
  private readonly positions: Lsn[] = [];

  constructor(capacity: number) {
    this.ownFrame = new FrameBuffer(capacity);
    this.frame = this.ownFrame;
  }

  get endLsn(): Lsn {
    return this.startLsn + this.length;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Adds the entries of one append within `bytes`, for which {@link Batch.reserve} made room. */
  add(entries: readonly WalEntry[], bytes: number, waiter: WalWaiter): void {
    let end = this.length;
    for (const entry of entries) end = encodeRecord(this.frame, end, this.startLsn + end, entry);
    // Bytes written outside a typed array vanish without a word; so an entry that grew since it was measured must not
    // get as far as the disk.
    if (end > this.length + bytes) throw new RangeError('Expected entries not to change before their append settles');
    this.positions.push(this.startLsn + this.length);
    this.waiters.push(waiter);
    this.length = end;
    this.count += entries.length;
  }

  /** Sees to it that `bytes` more can be written; an append larger than the buffer gets one of its own for a while. */
  reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.frame.bytes.length) return;
    const larger = new FrameBuffer((needed + 7) & ~7);
    larger.bytes.set(this.frame.bytes.subarray(0, this.length));
    this.frame = larger;
  }

  /** Answers all appends of the batch, in the order they came. */
  resolveAll(): void {
    const { waiters, positions } = this;
    for (let index = 0; index < waiters.length; index++) {
      (waiters[index] as WalWaiter).resolve(positions[index] as Lsn);
    }
    this.clear();
  }

  rejectAll(error: unknown): void {
    for (const waiter of this.waiters) waiter.reject(error);
    this.clear();
  }

  private clear(): void {
    this.waiters.length = 0;
    this.positions.length = 0;
    this.length = batchHeaderBytes;
    this.count = 0;
    this.frame = this.ownFrame;
  }
}
