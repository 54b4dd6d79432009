/**
 * The next segment, made ahead of need, and one in reserve behind it. So a disk without room is found out while there are
 * half a segment and a whole one left to write into:
 *
 *   room ──(no space for the next segment, or for the reserve)──▶ full ──(there is space again)──▶ room
 *
 * While it is full, the next segment is the reserve. When that is used up too, the batch that needs a segment waits for
 * space, and with it all that come behind it: nothing was written, so nothing has failed.
 */
import type { Clock, TimerHandle } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { LogFolder } from './log-folder.ts';
import type { WalEvent } from './wal-events.ts';

// Well below the 5 s within which a log must be normal again (reliability, "Goal figures"), and nothing for a disk.
const retryAfterMs = 1000;

export class SegmentsAhead {
  /** Whether there was no space for what should lie ahead. */
  full = false;
  private readonly folder: LogFolder;
  private readonly clock: Clock;
  private readonly observer: Observer<WalEvent> | undefined;
  private working: Promise<void> | undefined;
  private wanted = 0;
  private retryTimer: TimerHandle;
  private closed = false;
  private endWait: (() => void) | undefined;

  constructor(folder: LogFolder, clock: Clock, observer: Observer<WalEvent> | undefined) {
    this.folder = folder;
    this.clock = clock;
    this.observer = observer;
  }

  /** Sees to it, beside everything else, that segment `seq` is there, the next of the one in use, and another in reserve. */
  prepare(seq: number): void {
    this.wanted = seq;
    if (this.working !== undefined || this.full || this.closed) return;
    if (!this.folder.segments.has(seq) || !this.folder.hasReserve) this.start();
  }

  /** Resolves when segment `seq` is there: prepared, made now, or the reserve. */
  async need(seq: number): Promise<void> {
    // What else is being made, such as the reserve, is not waited for.
    if (this.folder.segments.has(seq)) return;
    await this.working;
    const providing = this.provide(seq);
    this.working = this.whenDone(providing);
    await providing;
  }

  private async provide(seq: number): Promise<void> {
    if (this.folder.segments.has(seq)) return;
    if (this.full && this.folder.hasReserve) return this.folder.useReserve(seq);
    for (let toldOnce = false; ; toldOnce = true) {
      try {
        return await this.folder.createSegment(seq);
      } catch (error) {
        if (isNoSpace(error)) this.nowFull(error);
        if (this.folder.hasReserve) return this.folder.useReserve(seq);
        if (!isNoSpace(error) || this.closed) throw error;
        if (!toldOnce) notify(this.observer, { type: 'wal.exhausted', path: this.folder.path, error });
        // Whoever was told may have closed the log at once.
        if (!this.closed) await this.someTime();
      }
    }
  }

  private someTime(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(retryAfterMs, resolve);
      this.endWait = () => {
        this.clock.clearTimer(timer);
        resolve();
      };
    });
  }

  /** Nobody waits for space any more: a batch that needs it is tried once more and fails. */
  stopWaiting(): void {
    this.closed = true;
    this.clock.clearTimer(this.retryTimer);
    this.endWait?.();
  }

  /** Waits for what is being made; makes nothing any more. */
  async close(): Promise<void> {
    this.stopWaiting();
    await this.working;
  }

  // Never further ahead than the segment behind the one in use: two of them would be found to be damage by the next opening.
  private start(): void {
    this.working = this.whenDone(this.make(this.wanted));
  }

  /** One thing at a time; its failure is told to whoever waits for the thing itself. */
  private whenDone(work: Promise<void>): Promise<void> {
    const free = (): void => {
      this.working = undefined;
    };
    return work.then(free, free);
  }

  private async make(seq: number): Promise<void> {
    const made = await this.unlessNoSpace(async () => {
      if (!this.folder.segments.has(seq)) await this.folder.createSegment(seq);
      if (!this.folder.hasReserve) await this.folder.createReserve();
    });
    if (made && this.full) {
      this.full = false;
      notify(this.observer, { type: 'wal.space', path: this.folder.path });
    }
  }

  /** Does what needs space; without any, the log is full and tries again by itself. Resolves with whether it is done. */
  private async unlessNoSpace(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      // Any other failure counts when the segment is needed and cannot be made then either.
      if (isNoSpace(error)) this.nowFull(error);
      return false;
    }
  }

  private nowFull(error: unknown): void {
    if (!this.full) notify(this.observer, { type: 'wal.full', path: this.folder.path, error });
    this.full = true;
    this.retryLater();
  }

  private retryLater(): void {
    this.clock.clearTimer(this.retryTimer);
    if (this.closed) return;
    this.retryTimer = this.clock.setTimer(retryAfterMs, () => {
      if (this.working === undefined) this.start();
      else this.retryLater();
    });
  }
}

// EDQUOT is the same, told by a quota.
function isNoSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
