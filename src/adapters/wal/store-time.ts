import type { Clock } from '../../ports/clock.ts';

/**
 * The time by which leases and keys end: the wall clock's at opening, from then on the monotonic one's, and never before
 * the newest record in the log. A wall clock that was set back, in this life or between two, cannot give a lease back to
 * whom it was taken from; one that was set back by an hour makes leases last up to an hour longer, no key shorter.
 */
export class StoreTime {
  private readonly clock: Clock;
  private readonly beginsMs: number;
  private readonly openedMs: number;

  constructor(clock: Clock, lastStampMs: number) {
    this.clock = clock;
    this.openedMs = clock.monotonicMs();
    this.beginsMs = Math.max(clock.now(), lastStampMs);
  }

  now(): number {
    return this.beginsMs + Math.floor(this.clock.monotonicMs() - this.openedMs);
  }
}
